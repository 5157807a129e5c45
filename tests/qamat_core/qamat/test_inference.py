"""Answers come from the k best discrete entries that are left, whatever the batch."""

from dataclasses import replace
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qamat_core.indexes.oracle import Oracle
from qamat_core.qamat.inference import Answerer, answer_text
from qamat_core.qamat.search import FrozenMemory
from qamat_core.t5.decoding import greedy
from schemas.qamat import Integration
from tests.qamat_core.qamat import paper, tiny

QUESTIONS = [f"<extra_id_0> Where is {name}?" for name in tiny.PEOPLE[:5]]
INPUTS = tiny.inputs(QUESTIONS, 14)


def _answerer(rounds: int, retrieve: int = 5, memory: FrozenMemory | None = None, **reader: Any) -> Answerer:
    memory = memory or tiny.memory()
    return Answerer(tiny.reader(**reader), tiny.params(), memory, Oracle(memory.keys), rounds, 3, retrieve, 3)


@pytest.fixture(scope="module")
def one_round() -> Answerer:
    return _answerer(1)


def test_one_round_reports_the_best_rows_and_weighs_those_it_read(one_round: Answerer):
    answered = one_round.answer(INPUTS, 2)
    assert answered.tokens.shape == (5, 6)
    for number, tokens in enumerate(INPUTS):
        assert answered.rows[number].tolist() == paper.retrieve(tokens, 1, tiny.memory(), 5).rows
        expected = paper.retrieve(tokens, 1, tiny.memory(), 2).weights[0]
        np.testing.assert_allclose(answered.weights[number], [*expected, 0, 0, 0], atol=1e-4)


def test_removed_rows_are_as_if_they_had_never_been(one_round: Answerer):
    removed = np.array([2, 3, 5, 7, 8, 9])
    answered = replace(one_round, index=one_round.index.without(removed)).answer(INPUTS, 3)
    for number, tokens in enumerate(INPUTS):
        left = paper.retrieve(tokens, 1, tiny.memory(), 5, {2, 3, 5, 7, 8, 9})
        assert answered.rows[number].tolist() == [*left.rows, -1]


def test_without_any_memory_nothing_is_read(one_round: Answerer):
    answered = replace(one_round, index=one_round.index.without(np.arange(10))).answer(INPUTS, 3)
    assert (answered.rows == -1).all()
    assert (answered.weights == 0).all()
    closed = _answerer(0).answer(INPUTS, 3)
    assert (closed.rows == -1).all()
    np.testing.assert_allclose(answered.sum_logprob, one_round.answer(INPUTS, 0).sum_logprob, rtol=1e-6)


def test_an_answer_does_not_depend_on_its_batch(one_round: Answerer):
    together, backwards = one_round.answer(INPUTS, 3), one_round.answer(INPUTS[::-1], 3)
    for ours, theirs in zip(together, backwards, strict=True):
        np.testing.assert_allclose(ours, theirs[::-1], rtol=1e-5)


def test_what_one_question_bans_the_others_still_retrieve(one_round: Answerer):
    banned = np.full((5, 2), -1)
    banned[1] = one_round.answer(INPUTS, 3).rows[1, :2]
    answered = one_round.answer(INPUTS, 3, banned)
    for number, tokens in enumerate(INPUTS):
        assert answered.rows[number].tolist() == paper.retrieve(tokens, 1, tiny.memory(), 5, {*banned[number]}).rows


def test_two_rounds_ask_again_with_the_first_rounds_entries():
    answered = _answerer(2).answer(INPUTS, 3)
    for number, tokens in enumerate(INPUTS):
        first = paper.retrieve(tokens, 1, tiny.memory(), 3)
        again = paper.extended(tokens, first, tiny.memory().value_tokens)
        assert answered.rows[number].tolist() == paper.retrieve(again, 1, tiny.memory(), 5).rows


def _both(tokens: np.ndarray, found: paper.Retrieval) -> tuple[np.ndarray, np.ndarray]:
    return paper.both(tokens, 1, found, tiny.memory())


def _neural(tokens: np.ndarray, found: paper.Retrieval) -> tuple[np.ndarray, np.ndarray]:
    return paper.neural(tokens, 1, found, np.asarray(tiny.memory().values, np.float64)), tokens


def _discrete(tokens: np.ndarray, found: paper.Retrieval) -> tuple[np.ndarray, np.ndarray]:
    extended = paper.extended(tokens, found, np.asarray(tiny.memory().value_tokens))
    return tiny.encode(extended[None])[0], extended


@pytest.mark.parametrize(
    ("integration", "drop_neural", "expected"),
    [("both", True, _discrete), ("both", False, _both), ("neural", True, _neural), ("discrete", False, _discrete)],
)
def test_the_decoder_attends_to_what_is_not_dropped(integration: str, drop_neural: bool, expected: Any):
    answerer = _answerer(1, 3, integration=integration, drop_neural=drop_neural)
    answered = answerer.answer(INPUTS, 3)
    contexts = [expected(tokens, paper.retrieve(tokens, 1, tiny.memory(), 3)) for tokens in INPUTS]
    encoded, tokens = (np.stack(part) for part in zip(*contexts, strict=True))
    decoded = greedy(answerer.reader.model, tiny.params(), jnp.asarray(encoded, jnp.float32), jnp.asarray(tokens), 6)
    np.testing.assert_array_equal(answered.tokens, decoded.tokens)
    np.testing.assert_allclose(answered.sum_logprob, decoded.sum_logprob, rtol=1e-4)


@pytest.mark.parametrize("integration", ["discrete", "neural", "both"])
def test_what_is_read_can_be_told_whatever_the_model_answers_from(integration: Integration):
    told = replace(_answerer(1), integration=integration).answer(INPUTS, 3)
    reader = tiny.reader(integration=integration, drop_neural=False)
    expected = replace(_answerer(1), reader=reader).answer(INPUTS, 3)
    for ours, theirs in zip(told, expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_memory_smaller_than_the_slots_is_read_whole():
    small = tiny.memory()._replace(**{name: part[:2] for name, part in tiny.memory()._asdict().items()})
    answered = _answerer(1, 2, small).answer(INPUTS, 3)
    assert [sorted(row) for row in answered.rows.tolist()] == [[0, 1]] * 5
    np.testing.assert_allclose(answered.weights.sum(axis=1), 1, rtol=1e-5)


@given(st.sampled_from(["", "Bo Kin", " Dorf "]), st.sampled_from(["", " <extra_id_1> Other"]))
def test_the_first_span_is_the_answer(answer: str, more: str):
    expected = answer.strip() or ("Other" if more else "")
    assert answer_text(f"<extra_id_0> {answer}{more}") == expected


def test_an_answer_without_sentinel_is_taken_as_it_is():
    assert answer_text("Dorf") == "Dorf"
    assert answer_text("") == ""
