"""Batches are pure functions of the step; a memory holds no entry twice, and positives point at their rows."""

from dataclasses import replace

import jax
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qamat_core.qamat.batches import global_batch, in_batch, plain_batch
from qamat_core.qamat.entries import MemoryEntries
from qamat_core.qamat.examples import UNKNOWN, QueryExamples
from qamat_core.qamat.packing import PackedExamples, pack_examples
from qamat_core.training.loader import Batch
from schemas.qamat import InBatchConfig
from schemas.training import TrainingConfig
from tests.qamat_core.qamat import tiny

COUNT = 7
RNG = np.random.default_rng(0)
EXAMPLES = QueryExamples(
    inputs=np.arange(COUNT * 4, dtype=np.int32).reshape(COUNT, 4),
    targets=np.arange(COUNT * 3, dtype=np.int32).reshape(COUNT, 3),
    positives=np.array([[0, 1], [2, -1], [3, 0], [4, 5], [-1, -1], [6, 7], [8, 2]], np.int32),
    first=np.arange(COUNT, dtype=np.int32)[:, None],
    negatives=np.array([[5, 9, -1], [0, 3, 9], [-1, -1, -1], [9, 8, 7], [1, -1, -1], [0, 1, 2], [3, 4, 5]], np.int32),
    banned=np.array([[row] for row in range(COUNT)], np.int32),
)


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> PackedExamples:
    return pack_examples([lambda: EXAMPLES], COUNT, tmp_path_factory.mktemp("packed"), seed=0)


def _config(batch_size: int, negatives: int, seed: int = 0, positives: int | None = None) -> InBatchConfig:
    training = TrainingConfig(steps=1, batch_size=batch_size, seed=seed)
    return InBatchConfig(
        model=tiny.config(), training=training, positives_per_example=positives, negatives_per_example=negatives
    )


def _rows(batch: Batch) -> list[int]:
    """The memory's rows of a batch's entries."""
    row_of = {tuple(tokens): row for row, tokens in enumerate(tiny.entries().key_tokens.tolist())}
    return [row_of[tuple(tokens)] for tokens in batch["key_tokens"].tolist()]


@pytest.mark.parametrize("name", ["in-batch", "global", "plain"])
def test_a_batch_depends_on_nothing_but_its_step(packed: PackedExamples, name: str):
    make = {
        "in-batch": lambda step: in_batch(packed, tiny.entries(), _config(3, 2), step),
        "global": lambda step: global_batch(packed, tiny.memory(), 3, 0, step),
        "plain": lambda step: plain_batch(packed, 3, 0, step),
    }[name]
    unbroken = [make(step) for step in range(8)]
    for step in (5, 2, 7):
        again = make(step)
        jax.tree.map(np.testing.assert_array_equal, again, unbroken[step])
    shapes = [jax.tree.map(np.shape, batch) for batch in unbroken]
    assert all(shape == shapes[0] for shape in shapes)


@given(batch_size=st.integers(1, 12), negatives=st.integers(0, 5), seed=st.integers(0, 3), step=st.integers(0, 30))
def test_the_in_batch_memory_holds_every_entry_once_and_the_positives_at_their_places(
    packed: PackedExamples, batch_size: int, negatives: int, seed: int, step: int
):
    batch = in_batch(packed, tiny.entries(), _config(batch_size, negatives, seed), step)
    rows = _rows(batch)
    assert len(rows) == batch_size * (2 + negatives)
    np.testing.assert_array_equal(batch["value_tokens"], tiny.entries().value_tokens[rows])
    unbanned = [row for row, banned in zip(rows, batch["banned"], strict=True) if not banned]
    assert sorted(unbanned) == sorted(set(rows))
    for positives, places in zip(packed.batch(batch_size, seed, step).positives, batch["positives"], strict=True):
        for positive, place in zip(positives, places, strict=True):
            assert (place == UNKNOWN) == (positive == UNKNOWN)
            assert positive == UNKNOWN or (rows[place] == positive and not batch["banned"][place])


def test_hard_negatives_come_before_random_ones(packed: PackedExamples):
    for step in range(20):
        (negatives,) = packed.batch(1, 0, step).negatives
        batch = in_batch(packed, tiny.entries(), _config(1, 2), step)
        hard = {row for row in negatives.tolist() if row >= 0}
        assert len(hard & set(_rows(batch)[2:])) == min(2, len(hard))


def _entries_of(passages: list[str | None]) -> MemoryEntries:
    """The tiny memory, its entries made of these passages."""
    pairs, column = tiny.pairs(), pa.array(passages, pa.string())
    return replace(tiny.entries(), pairs=pairs.set_column(pairs.column_names.index("passage_id"), "passage_id", column))


def test_an_example_brings_the_entries_of_its_masks_then_others_of_its_passage(packed: PackedExamples):
    entries = _entries_of(["p", "q", "q", "p", "r", "r", "p", "r", "q", None])
    for step in range(10):
        batch = in_batch(packed, entries, _config(2, 1, positives=4), step)
        rows, known = np.array(_rows(batch)), packed.batch(2, 0, step).positives
        assert len(rows) == 2 * (4 + 1)
        for brought, line in zip(rows[:8].reshape(2, 4), known, strict=True):
            own = line[line >= 0]
            assert set(own) <= set(brought)
            others = set(entries.beside(max(line))) - set(own)
            beyond = set(brought[2:]) & others
            assert len(beyond) == min(2, len(others))
        places = batch["positives"]
        assert (places >= 0).tolist() == (known >= 0).tolist()
        assert rows[places[places >= 0]].tolist() == known[known >= 0].tolist()


def test_fewer_positives_than_masks_leave_later_masks_without_their_entry(packed: PackedExamples):
    for step in range(10):
        batch, (known,) = (
            in_batch(packed, tiny.entries(), _config(1, 0, positives=1), step),
            packed.batch(1, 0, step).positives,
        )
        (row,) = _rows(batch)
        assert known[0] in (UNKNOWN, row)
        assert batch["positives"].tolist() == [[0 if mask == row else UNKNOWN for mask in known]]


def test_as_many_positives_as_masks_are_the_default(packed: PackedExamples):
    for step in range(5):
        given, told = (in_batch(packed, tiny.entries(), _config(3, 2, positives=count), step) for count in (None, 2))
        assert given.keys() == told.keys()
        assert all(np.array_equal(given[name], told[name]) for name in given)


def test_a_global_batch_carries_what_is_known_and_banned(packed: PackedExamples):
    batch, examples = global_batch(packed, tiny.memory(), 4, 0, 3), packed.batch(4, 0, 3)
    np.testing.assert_array_equal(batch["positives"], examples.positives)
    np.testing.assert_array_equal(batch["first"], examples.first)
    np.testing.assert_array_equal(batch["banned_rows"], examples.banned)
