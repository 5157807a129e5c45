"""Kept programs: found again, the same to the bit, and made anew when they are damaged."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from qamat_core.generation.programs import Program, compiled

MODULE = "qamat_core.generation.generator"
traced: list[int] = []


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Path]:
    """A directory of kept programs."""
    before = jax.config.jax_compilation_cache_dir  # pyright: ignore[reportAttributeAccessIssue]
    jax.config.update("jax_compilation_cache_dir", str(tmp_path))
    traced.clear()
    yield tmp_path / "programs"
    jax.config.update("jax_compilation_cache_dir", before)


def _function(scale: int, weights: jax.Array, tokens: jax.Array, count: jax.Array) -> tuple[jax.Array, ...]:
    traced.append(scale)
    steps = jax.lax.fori_loop(0, count, lambda _, total: total + jnp.tanh(tokens @ weights).sum(), jnp.float32(0))
    return scale * steps, tokens @ weights, count


def _program(scale: int, rows: int) -> Program:
    shapes = jax.ShapeDtypeStruct((rows, 3), jnp.float32), jax.ShapeDtypeStruct((), jnp.int32)
    return compiled(partial(_function, scale), (jnp.ones((3, 2)), *shapes), MODULE, f"scale {scale}")


def _results(program: Program, rows: int) -> list[Any]:
    tokens = np.random.default_rng(0).normal(size=(rows, 3)).astype(np.float32)
    return [np.asarray(one).tobytes() for one in program(jnp.ones((3, 2)), tokens, np.int32(2))]


def test_a_kept_program_is_not_traced_again_and_gives_the_same_bits(kept: Path):
    first = _results(_program(2, 4), 4)
    count = len(traced)
    assert len(list(kept.iterdir())) == 1
    assert _results(_program(2, 4), 4) == first
    assert len(traced) == count


def test_what_decides_a_program_decides_its_file(kept: Path):
    for scale, rows in ((2, 4), (3, 4), (2, 5)):
        _program(scale, rows)
    assert len(list(kept.iterdir())) == 3


@pytest.mark.parametrize("damage", [lambda stored: stored[:-9], lambda stored: stored[:200] + b"x" + stored[201:]])
def test_a_damaged_program_is_made_anew(kept: Path, damage: Any):
    first = _results(_program(2, 4), 4)
    (file,) = kept.iterdir()
    whole = file.stat().st_size
    file.write_bytes(damage(file.read_bytes()))
    assert _results(_program(2, 4), 4) == first
    assert [one.stat().st_size for one in kept.iterdir()] == [whole]


def test_nothing_is_kept_without_a_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    before = jax.config.jax_compilation_cache_dir  # pyright: ignore[reportAttributeAccessIssue]
    jax.config.update("jax_compilation_cache_dir", None)
    _program(2, 4)
    jax.config.update("jax_compilation_cache_dir", before)
    assert not list(tmp_path.iterdir())
