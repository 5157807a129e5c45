"""Search finds what a sort of all scores finds: in blocks, with bans, with a memory that does not fill its devices."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qamat_core.qamat import search as module
from qamat_core.qamat.search import FrozenMemory, fetch, place_memory, search
from qamat_core.training.mesh import current_mesh
from schemas.errors import ConfigError
from tests.qamat_core.qamat import tiny
from tests.qamat_core.training.devices import on_devices

ENTRIES, WIDTH = 11, 4
RNG = np.random.default_rng(3)
MEMORY = FrozenMemory(
    RNG.normal(size=(ENTRIES, WIDTH)).astype(np.float32),
    RNG.normal(size=(ENTRIES, WIDTH)).astype(np.float32),
    RNG.integers(1, 9, size=(ENTRIES, 3)).astype(np.int32),
)
QUERIES = RNG.normal(size=(2, 3, WIDTH)).astype(np.float32)


def check(memory: FrozenMemory, banned: list[list[int]], k: int) -> None:
    """Compare with all scores, sorted."""
    scores = np.einsum("bsd,md->bsm", QUERIES, MEMORY.keys)
    for row, out in enumerate(banned):
        scores[row][:, [each for each in out if each >= 0]] = -np.inf
    searched = jax.jit(search, static_argnums=3)(QUERIES, memory, np.asarray(banned, np.int32), k)
    for row, out in enumerate(banned):
        left = sorted(set(range(ENTRIES)) - set(out), key=lambda entry: -scores[row, :, entry].max())
        allowed = np.asarray(searched.found.allowed[row])
        assert np.asarray(searched.found.rows[row])[allowed].tolist() == left[:k]
        if left:
            assert searched.best[row].tolist() == scores[row].argmax(-1).tolist()
            np.testing.assert_allclose(searched.log_total[row], np.log(np.exp(scores[row]).sum(-1)), rtol=1e-5)
    picked = jax.jit(fetch)(memory, np.array([[0, 10], [7, 7]], np.int32))
    for ours, whole in zip(picked, MEMORY, strict=True):
        np.testing.assert_array_equal(ours, whole[[[0, 10], [7, 7]]])


@tiny.compiled
@given(st.sets(st.integers(0, ENTRIES - 1)), st.integers(1, ENTRIES))
def test_the_best_of_what_is_allowed_in_score_order(out: set[int], k: int):
    rows = np.full((2, ENTRIES), -1)
    rows[0, : len(out)] = sorted(out)
    check(MEMORY, rows.tolist(), k)


@pytest.mark.parametrize("k", [1, 4, 11])
@pytest.mark.parametrize("block", [1, 3, 4])
def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch, block: int, k: int):
    monkeypatch.setattr(module, "BLOCK", block)
    check(place_memory(MEMORY, current_mesh()), [[2, 9], [-1, -1]], k)


def test_the_log_total_carries_gradient_to_the_query_in_blocks_too(monkeypatch: pytest.MonkeyPatch):
    def total(queries: jax.Array, memory: FrozenMemory) -> jax.Array:
        return search(queries, memory, jnp.full((2, 1), -1), 2).log_total.sum()

    whole = jax.grad(total)(jnp.asarray(QUERIES), MEMORY)
    expected = jax.nn.softmax(np.einsum("bsd,md->bsm", QUERIES, MEMORY.keys), axis=-1) @ MEMORY.keys
    np.testing.assert_allclose(whole, expected, rtol=1e-5, atol=1e-6)
    monkeypatch.setattr(module, "BLOCK", 3)
    blocks = jax.grad(total)(jnp.asarray(QUERIES), place_memory(MEMORY, current_mesh()))
    np.testing.assert_allclose(blocks, expected, rtol=1e-5, atol=1e-6)


def test_eight_devices_find_what_one_finds():
    assert "search agree" in on_devices(8, "tests.qamat_core.qamat.eight_devices", "search")


def test_more_slots_than_entries_are_refused():
    with pytest.raises(ConfigError, match="top_k is 12, the memory has 11 entries: lower top_k"):
        search(jnp.asarray(QUERIES), MEMORY, jnp.full((2, 1), -1), 12)
