"""Batches are pure functions of the step; a memory holds no entry twice, and positives point at their rows."""

import jax
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qamat_core.qamat.batches import global_batch, in_batch, plain_batch
from qamat_core.qamat.examples import UNKNOWN, QueryExamples
from qamat_core.qamat.packing import PackedExamples, pack_examples
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


@pytest.mark.parametrize("name", ["in-batch", "global", "plain"])
def test_a_batch_depends_on_nothing_but_its_step(packed: PackedExamples, name: str):
    make = {
        "in-batch": lambda step: in_batch(packed, tiny.entries(), 3, 2, 0, step),
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
    batch = in_batch(packed, tiny.entries(), batch_size, negatives, seed, step)
    row_of = {tuple(tokens): row for row, tokens in enumerate(tiny.entries().key_tokens.tolist())}
    rows = [row_of[tuple(tokens)] for tokens in batch["key_tokens"].tolist()]
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
        batch = in_batch(packed, tiny.entries(), 1, 2, 0, step)
        rows = [tiny.entries().key_tokens.tolist().index(tokens) for tokens in batch["key_tokens"].tolist()]
        hard = {row for row in negatives.tolist() if row >= 0}
        assert len(hard & set(rows[2:])) == min(2, len(hard))


def test_a_global_batch_carries_what_is_known_and_banned(packed: PackedExamples):
    batch, examples = global_batch(packed, tiny.memory(), 4, 0, 3), packed.batch(4, 0, 3)
    np.testing.assert_array_equal(batch["positives"], examples.positives)
    np.testing.assert_array_equal(batch["first"], examples.first)
    np.testing.assert_array_equal(batch["banned_rows"], examples.banned)
