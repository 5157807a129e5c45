"""Every backend keeps the protocol: the best of what is allowed, in order, -1 where no more is left."""

from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qamat_core.indexes import device
from qamat_core.indexes.approximate import SMALL, build_scann, load_scann
from qamat_core.indexes.device import place_keys
from qamat_core.indexes.filtered import Filtered
from qamat_core.indexes.oracle import Oracle
from qamat_core.indexes.quantised import dequantised, open_quantised, quantise, write_quantised
from schemas.errors import CorruptArtifactError
from schemas.qamat import ScannConfig
from tests.qamat_core.indexes.backends import BACKENDS, WIDTH, check, whole_numbers
from tests.qamat_core.training.devices import on_devices

EXACT = ["oracle", "float32", "bfloat16", "int8"]
ENTRIES = 61
KEYS, QUERIES = whole_numbers(ENTRIES), whole_numbers(3, 1)
INDEXES = {name: BACKENDS[name](KEYS) for name in EXACT}


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch):
    """Blocks of 16 rows, three of them together: 61 entries are four blocks and one that overlaps."""
    monkeypatch.setattr(device, "BLOCK", 16)
    monkeypatch.setattr(device, "BLOCKS", 3)
    device.program.cache_clear()
    yield
    device.program.cache_clear()


@settings(deadline=None, max_examples=30)
@given(
    st.sampled_from(EXACT),
    st.sampled_from([1, 5, 80]),
    st.lists(st.integers(-1, ENTRIES - 1), max_size=4),
    st.sets(st.integers(0, ENTRIES - 1)),
)
def test_the_best_of_what_is_allowed_and_equal_ones_in_their_order(
    name: str, k: int, banned: list[int], removed: set[int]
):
    rows = np.full((3, 4), -1)
    rows[1, : len(banned)] = banned
    check(INDEXES[name], KEYS, QUERIES, k, rows, sorted(removed))


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("entries", [16, 29, 61, 130])
def test_blocks_change_nothing(entries: int):
    keys = whole_numbers(entries)
    for k in (3, 40):
        check(place_keys(keys), keys, QUERIES, k, np.array([[0, 7, 15]] * 3), [1, 2, entries - 1])


@pytest.mark.parametrize("name", BACKENDS)
@pytest.mark.parametrize("entries", [1, 7])
def test_a_small_memory_is_found_whole_and_takes_no_slot_for_what_is_banned(name: str, entries: int):
    keys = np.random.default_rng(entries).permutation(np.eye(WIDTH, dtype=np.float32) * np.arange(1, 9))[:entries]
    queries = np.ones((2, WIDTH), np.float32)
    index = BACKENDS[name](keys)
    check(index, keys, queries, 10)
    check(index, keys, queries, 3, np.array([[0, -1], [entries - 1, 0]]))
    check(index, keys, queries, 2, removed=[entries // 2])
    check(index, keys, queries, 2, removed=np.arange(entries))
    assert index.search(queries[:0], 2).rows.shape == (0, 2)


@pytest.mark.parametrize("name", EXACT)
def test_an_empty_memory_holds_nothing(name: str):
    keys = np.zeros((0, WIDTH), np.float32)
    check(BACKENDS[name](keys), keys, QUERIES, 2)


def test_more_queries_than_a_batch_and_wide_memories_are_searched_in_parts():
    keys, queries = whole_numbers(5000, width=16), whole_numbers(300, 1, 16)
    check(place_keys(keys), keys, queries, 7)


def test_real_numbers_are_found_too_and_copies_in_the_order_of_their_rows():
    rng = np.random.default_rng(0)
    keys = np.tile(rng.standard_normal((900, 32), dtype=np.float32), (5, 1))
    queries = rng.standard_normal((20, 32), dtype=np.float32)
    found, wanted = place_keys(keys).search(queries, 32), Oracle(keys).search(queries, 30)
    np.testing.assert_allclose(found.scores[:, :30], wanted.scores, rtol=1e-5)
    for row in found.rows[:, :30].reshape(20, 6, 5):
        assert (np.diff(row, axis=1) == 900).all()


def test_eight_devices_find_what_one_finds():
    assert "backends agree" in on_devices(8, "tests.qamat_core.indexes.backends")


def test_an_approximate_selection_reaches_its_target():
    rng = np.random.default_rng(0)
    keys, queries = rng.standard_normal((5000, 16), dtype=np.float32), rng.standard_normal((8, 16), dtype=np.float32)
    found = place_keys(keys, recall_target=0.95).search(queries, 10)
    wanted = Oracle(keys).search(queries, 10)
    assert np.mean([np.isin(one, two).mean() for one, two in zip(wanted.rows, found.rows, strict=True)]) >= 0.95


def test_mapped_keys_are_searched_where_they_lie(tmp_path: Path):
    np.save(tmp_path / "keys.npy", KEYS)
    mapped = np.load(tmp_path / "keys.npy", "r")
    index = place_keys(mapped)
    assert index.shards.keys.unsafe_buffer_pointer() == mapped.ctypes.data
    half = place_keys(mapped.astype(jnp.bfloat16))
    check(half, KEYS, QUERIES, 5)


def test_eight_bits_are_within_half_a_step_and_come_back_from_files(tmp_path: Path):
    keys = np.random.default_rng(0).standard_normal((50, WIDTH)).astype(np.float32)
    keys[7] = 0
    whole, scales = quantise(keys)
    assert np.abs(whole).max(axis=1)[[0, 7]].tolist() == [127, 0]
    assert (np.abs(dequantised(whole, scales) - keys) <= scales[:, None] / 2 + 1e-7).all()
    write_quantised(keys, tmp_path)
    found, wanted = open_quantised(tmp_path).search(QUERIES, 5), Oracle(dequantised(whole, scales)).search(QUERIES, 5)
    np.testing.assert_array_equal(found.rows, wanted.rows)
    np.testing.assert_allclose(found.scores, wanted.scores, rtol=1e-5)


@pytest.fixture(scope="module")
def clustered() -> tuple[np.ndarray, np.ndarray]:
    """Keys about 64 centres, and queries about the same."""
    rng = np.random.default_rng(0)
    centres = rng.standard_normal((64, 32))
    keys, queries = (
        (centres[rng.integers(0, 64, count)] + 0.5 * rng.standard_normal((count, 32))).astype(np.float32)
        for count in (SMALL + 1000, 50)
    )
    return keys, queries


def test_a_tree_finds_the_best_and_what_is_out_takes_no_slot(clustered: tuple[np.ndarray, np.ndarray], tmp_path: Path):
    keys, queries = clustered
    config = ScannConfig(leaves=64, leaves_searched=8)
    built = build_scann(keys, config)
    index, oracle = Filtered(built, keys), Oracle(keys)
    best = oracle.search(queries, 10)

    def recall(index: Filtered, oracle: Oracle, k: int, banned: np.ndarray | None = None) -> float:
        found, wanted = index.search(queries, k, banned), oracle.search(queries, k, banned)
        assert (found.rows >= 0).all()
        assert banned is None or not (found.rows[:, :, None] == banned[:, None]).any()
        return float(np.mean([np.isin(one, two).mean() for one, two in zip(wanted.rows, found.rows, strict=True)]))

    assert recall(index, oracle, 10) >= 0.95
    assert recall(index, oracle, 10, best.rows) >= 0.95
    out = np.unique(best.rows)
    assert recall(index.without(out), oracle.without(out), 10) >= 0.95
    few = np.arange(20, len(keys))
    left = index.without(few).search(queries, 30), oracle.without(few).search(queries, 30)  # fewer than 30 are left
    np.testing.assert_array_equal(left[0].rows, left[1].rows)
    built.save(tmp_path)
    again = Filtered(load_scann(tmp_path, config, len(keys)), keys)
    np.testing.assert_array_equal(again.search(queries, 10).rows, index.search(queries, 10).rows)


def test_a_searcher_that_is_none_is_named(tmp_path: Path):
    with pytest.raises(CorruptArtifactError, match=f"{tmp_path}: not a searcher of ScaNN; build it again"):
        load_scann(tmp_path, ScannConfig(), 5)
    (tmp_path / "scann_assets.pbtxt").write_text("none")
    with pytest.raises(CorruptArtifactError, match=r"not a searcher of ScaNN \(.*; build it again"):
        load_scann(tmp_path, ScannConfig(), 5)
