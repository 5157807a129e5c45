"""Packed examples: every epoch sees each once, in an order of its own; a killed packing goes on; damage is mended."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qamat_core import progress
from qamat_core.qamat import packing
from qamat_core.qamat.examples import UNKNOWN, QueryExamples
from qamat_core.qamat.packing import PackedExamples, pack_examples, places
from qamat_core.store.shards import read_shard
from schemas.errors import CorruptArtifactError

PARTS = [(0, 30, 1), (30, 50, 2), (50, 53, 1)]
"""First and last example of each part, and how many hard negatives it has at most."""


def _part(first: int, last: int, negatives: int) -> QueryExamples:
    numbers = np.arange(first, last, dtype=np.int32)[:, None]
    tokens = numbers * np.ones((1, 3), np.int32)
    return QueryExamples(tokens, tokens, numbers, numbers, np.tile(numbers, negatives), numbers)


def _pack(directory: Path, asked: list[int] | None = None) -> PackedExamples:
    def make(number: int) -> Callable[[], QueryExamples]:
        return lambda: (asked if asked is not None else []).append(number) or _part(*PARTS[number])

    return pack_examples([make(number) for number in range(len(PARTS))], 53, directory, seed=3)


@pytest.fixture(autouse=True)
def small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packing, "SHARD_ROWS", 16)


@given(
    counts=st.lists(st.integers(1, 12), min_size=1, max_size=5),
    size=st.integers(1, 30),
    seed=st.integers(0, 5),
)
def test_an_epoch_sees_every_row_once(counts: list[int], size: int, seed: int):
    total = sum(counts)
    seen: list[tuple[int, int]] = []
    for step in range(-(-3 * total // size)):
        batch = [(shard, int(row)) for shard, rows in places(counts, size, seed, step) for row in rows]
        assert len(batch) == size
        seen += batch
    for epoch in range(3):
        every = [(shard, row) for shard, count in enumerate(counts) for row in range(count)]
        assert sorted(seen[epoch * total : (epoch + 1) * total]) == every


def test_epochs_and_seeds_cut_batches_of_their_own():
    def batches(seed: int, epoch: int) -> set[frozenset[tuple[int, int]]]:
        steps = range(epoch * 12, (epoch + 1) * 12)
        return {
            frozenset((shard, int(row)) for shard, rows in places([16, 16, 16], 4, seed, step) for row in rows)
            for step in steps
        }

    cut = [batches(0, 0), batches(0, 1), batches(1, 0)]
    assert sum(map(len, cut)) == 36
    assert len(set().union(*cut)) > 30


def test_one_shard_is_permuted_as_a_whole():
    (first,), (second,) = (list(places([40], 40, 0, step)) for step in (0, 1))
    assert sorted(first[1]) == sorted(second[1]) == list(range(40))
    assert first[1].tolist() != second[1].tolist()


def test_rows_keep_their_columns_and_are_dealt_over_the_shards(tmp_path: Path):
    packed = _pack(tmp_path)
    assert len(packed.counts) == 3
    assert len(packed) == sum(packed.counts) == 53
    batch = packed.batch(53, 0, 0)
    for row, number in enumerate(batch.first[:, 0]):
        assert (batch.inputs[row] == number).all()
        wide = 30 <= number < 50
        assert batch.negatives[row].tolist() == [number, number if wide else UNKNOWN]
    assert sorted(batch.first[:, 0].tolist()) == list(range(53))
    shards = [np.array(read_shard(path)["first"].to_pylist()) for path in sorted(tmp_path.glob("*.parquet"))]
    assert all(numbers.min() < 15 and numbers.max() >= 35 for numbers in shards)


def test_what_is_packed_is_found_again(tmp_path: Path):
    asked: list[int] = []
    first = _pack(tmp_path, asked)
    again = _pack(tmp_path, asked)
    assert asked == [0, 1, 2]
    np.testing.assert_array_equal(first.batch(9, 1, 4).inputs, again.batch(9, 1, 4).inputs)


def test_a_killed_packing_goes_on_and_gives_the_same_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    _pack(tmp_path / "whole")
    asked: list[int] = []

    def dying(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(packing, "_gather", dying)
        with pytest.raises(KeyboardInterrupt):
            _pack(tmp_path / "killed", asked)
    _pack(tmp_path / "killed", asked)
    assert asked == [0, 1, 2]
    names = [sorted(path.name for path in (tmp_path / run).iterdir()) for run in ("whole", "killed")]
    assert names[0] == names[1]


def test_a_damaged_shard_is_packed_again_and_said(tmp_path: Path):
    packed = _pack(tmp_path)
    before = _pack(tmp_path).batch(9, 1, 4)
    shard = sorted(tmp_path.glob("*.parquet"))[1]
    data = bytearray(shard.read_bytes())
    data[len(data) // 3] ^= 1
    shard.write_bytes(data)
    with pytest.raises(CorruptArtifactError, match=f"{shard.name}: unreadable .*; run it again, which packs"):
        packed.batch(53, 0, 0)
    said: list[str] = []
    with progress.listening(lambda *_: None, said.append):
        after = _pack(tmp_path).batch(9, 1, 4)
    assert said == [f"{shard} is damaged: the examples are packed again"]
    np.testing.assert_array_equal(before.inputs, after.inputs)
