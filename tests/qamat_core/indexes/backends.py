"""Every backend over the same keys, and what it has to find; also run as a program, on several devices."""

import sys
from collections.abc import Callable, Mapping
from typing import Any, Final

import jax
import jax.numpy as jnp
import numpy as np

from qamat_core.indexes.approximate import build_scann
from qamat_core.indexes.device import place_keys
from qamat_core.indexes.filtered import Filtered
from qamat_core.indexes.oracle import Oracle
from qamat_core.indexes.protocol import Index
from qamat_core.training.mesh import use_mesh
from schemas.qamat import ScannConfig
from schemas.training import MeshShape

WIDTH: Final = 8


def _eighths(keys: np.ndarray) -> Index:
    """Return keys in eight bits that stand for these: a quarter of four times as much."""
    return place_keys((keys * 4).astype(np.int8), np.full(len(keys), 0.25, np.float32))


BACKENDS: Mapping[str, Callable[[np.ndarray], Index]] = {
    "oracle": Oracle,
    "float32": place_keys,
    "bfloat16": lambda keys: place_keys(keys.astype(jnp.bfloat16)),
    "int8": _eighths,
    "scann": lambda keys: Filtered(build_scann(keys, ScannConfig()), keys),
}


def whole_numbers(entries: int, seed: int = 0, width: int = WIDTH) -> np.ndarray:
    """Return small whole numbers: every type holds them, their sums are exact, and many are equal."""
    return np.random.default_rng(seed).integers(-3, 4, (entries, width)).astype(np.float32)


def check(index: Index, keys: np.ndarray, queries: np.ndarray, k: int, banned: Any = None, removed: Any = ()) -> None:
    """Compare an exact search with a sort of all scores."""
    oracle = Oracle(keys)
    if len(removed):
        index, oracle = index.without(np.asarray(removed)), oracle.without(np.asarray(removed))
    found, wanted = index.search(queries, k, banned), oracle.search(queries, k, banned)
    np.testing.assert_array_equal(found.scores, wanted.scores)
    np.testing.assert_array_equal(found.rows, wanted.rows)
    assert (found.rows.dtype, found.scores.dtype) == (np.int32, np.float32)
    assert len(index) == len(keys)


def main() -> None:
    """Check the exact backends on a mesh of 4 x 2 devices: shards of several blocks, of one row and of none."""
    assert jax.device_count() == 8
    with use_mesh(MeshShape(data=4, model=2)):
        for entries, width in ((1, 8), (9, 8), (40_000, 16)):
            keys, queries = whole_numbers(entries, width=width), whole_numbers(5, 1, width)
            banned = np.array([[0, entries - 1]] + [[-1, -1]] * 4)
            for name in ("float32", "int8"):
                check(BACKENDS[name](keys), keys, queries, 12, banned, [entries // 2])
    sys.stdout.write("backends agree\n")


if __name__ == "__main__":
    main()
