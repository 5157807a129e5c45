"""Retrieval picks the right entries: every mask counts, banned entries never take a slot."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from qamat_core.qamat.retriever import (
    NEGATIVE,
    Ranking,
    Retrieved,
    contrastive_loss,
    encode_in_groups,
    mask_positions,
    top_entries,
    weights,
)
from schemas.errors import ConfigError
from tests.qamat_core.qamat import tiny

SCORES = npst.arrays(np.float32, (2, 3, 6), elements=st.integers(-30, 30).map(float), unique=True)


@tiny.compiled
@given(SCORES, st.integers(1, 6))
def test_top_entries_are_the_union_of_what_the_masks_retrieve(scores: np.ndarray, k: int):
    found = top_entries(jnp.asarray(scores), k)
    for example, rows in enumerate(np.asarray(found.rows)):
        best = scores[example].max(axis=0)
        assert list(rows) == sorted(range(6), key=lambda row: -best[row])[:k]
        np.testing.assert_array_equal(found.scores[example], best[rows])


@tiny.compiled
@given(SCORES, st.lists(st.booleans(), min_size=4, max_size=4))
def test_weights_are_a_softmax_over_what_is_visible(scores: np.ndarray, shown: list[bool]):
    rows = np.array([[4, 0, 2, 5], [1, 2, 3, 0]])
    visible = np.array([shown, [True] * 4], np.float32)
    picked = np.take_along_axis(scores, rows[:, None], axis=2)
    result = np.asarray(weights(jnp.asarray(picked), jnp.asarray(visible)))
    for example, mask in np.ndindex(2, 3):
        picked = np.exp(scores[example, mask, rows[example]].astype(np.float64)) * visible[example]
        expected = picked / picked.sum() if picked.any() else np.zeros(4)
        np.testing.assert_allclose(result[example, mask], expected, atol=1e-5)


def test_more_slots_than_entries_are_refused():
    with pytest.raises(ConfigError, match="top_k is 7, the memory has 6 entries: lower top_k"):
        top_entries(jnp.zeros((1, 1, 6)), 7)


def test_masks_are_found_by_number_and_a_missing_one_falls_on_the_first():
    texts = ["<extra_id_99> a <extra_id_0> b <extra_id_1>", "<extra_id_0> a", "a <extra_id_1> b <extra_id_0>"]
    tokens = tiny.inputs(texts)
    first, second, third = (list(row) for row in tokens)
    mask, other = tiny.tokenizer().sentinel(0), tiny.tokenizer().sentinel(1)
    assert mask_positions(jnp.asarray(tokens), mask, 2).tolist() == [
        [first.index(mask), first.index(other)],
        [second.index(mask), second.index(mask)],
        [third.index(mask), third.index(other)],
    ]


@tiny.compiled
@given(SCORES, npst.arrays(np.int32, (2, 3), elements=st.integers(-1, 5)))
def test_contrastive_loss_counts_known_positives_only(scores: np.ndarray, positives: np.ndarray):
    loss, recall = contrastive_loss(Ranking.of(jnp.asarray(scores), jnp.asarray(positives)))
    known = [(at, positives[at]) for at in np.ndindex(2, 3) if positives[at] >= 0]
    log_z = np.log(np.exp(scores.astype(np.float64)).sum(-1))
    losses = [log_z[at] - scores[at][row] for at, row in known]
    hits = [scores[at].argmax() == row for at, row in known]
    assert float(loss) == pytest.approx(np.mean(losses) if known else 0, abs=1e-4)
    assert float(recall) == pytest.approx(np.mean(hits) if known else 0)


def test_banned_entries_leave_the_denominator():
    scores = jnp.asarray([[[1.0, 2.0, 50.0 + NEGATIVE]]])
    loss, recall = contrastive_loss(Ranking.of(scores, jnp.asarray([[1]])))
    assert float(loss) == pytest.approx(np.log1p(np.exp(-1)), abs=1e-5)
    assert float(recall) == 1


def test_an_entry_is_allowed_unless_banned():
    found = Retrieved(jnp.asarray([[0, 1]]), jnp.asarray([[-1000.0, 2 * NEGATIVE]]))
    assert found.allowed.tolist() == [[True, False]]


def test_rows_encoded_in_groups_are_those_encoded_at_once():
    tokens = tiny.inputs(tiny.TEXTS[:5])
    in_groups = jax.jit(encode_in_groups, static_argnums=(0, 3))(tiny.reader().model, tiny.params(), tokens, 2)
    real = tokens != 0
    np.testing.assert_allclose(np.asarray(in_groups)[real], tiny.encode(tokens)[real], rtol=1e-4, atol=1e-5)
