"""The extractive reader's loss and choice against an oracle that goes through all spans one by one."""

import jax
import numpy as np
import pytest

from qamat_core.passages.extractive import HEAD, ExtractiveReader, extractive_loss, with_head
from qamat_core.passages.extractive_examples import SpanInputs
from tests.qamat_core.qamat import tiny

B, N, L, W = 2, 3, 8, 3
READER = ExtractiveReader(tiny.config().t5, W, 4)
RNG = np.random.default_rng(3)
KERNEL, QUESTION = (RNG.normal(size=shape).astype(np.float32) for shape in ((16, 2), (16, 2, 16)))
PARAMS = {**tiny.params(), HEAD: {"kernel": KERNEL, "question": QUESTION / 8}}
SPANS = np.array([[[0, 3, 4], [1, 2, 2], [-1, -1, -1]], [[0, 5, 5], [-1, -1, -1], [-1, -1, -1]]], np.int32)


def inputs() -> SpanInputs:
    tokens = np.random.default_rng(2).integers(3, 90, (B, N, L)).astype(np.int32)
    tokens[..., -1] = 1
    tokens[0, 1, 5:] = [1, 0, 0]
    tokens[1, 2] = 0
    return SpanInputs(tokens, np.array([[3, 2, 6], [4, 3, L]], np.int32))


def oracle() -> list[dict[tuple[int, int, int], float]]:
    """Every span of every question with its score."""
    read = inputs()
    found: list[dict[tuple[int, int, int], float]] = [{} for _ in range(B)]
    for question in range(B):
        encoded = tiny.encode(read.tokens[question])
        for passage in range(N):
            asked = encoded[passage, : read.begins[question, passage]].mean(axis=0)
            ends = encoded[passage] @ (KERNEL + QUESTION / 8 @ asked)
            inside = [place for place in range(L) if read.tokens[question, passage, place] > 1]
            inside = [place for place in inside if place >= read.begins[question, passage]]
            for first in inside:
                for last in range(first, min(first + W, len(inside) + min(inside))):
                    score = ends[first, 0] + ends[last, 1]
                    found[question][passage, first, last] = score
    return found


def test_the_loss_is_minus_the_log_of_what_all_occurrences_have_of_all_spans():
    wanted: list[float] = []
    for scores, spans in zip(oracle(), SPANS.tolist(), strict=True):
        own = sum(np.exp(scores[tuple(span)]) for span in spans if span[0] >= 0)
        wanted.append(-np.log(own / sum(map(np.exp, scores.values()))))
    batch = {"inputs": inputs().tokens, "begins": inputs().begins, "spans": SPANS}
    loss, _ = jax.jit(extractive_loss(READER))(PARAMS, batch, jax.random.key(0))
    assert loss == pytest.approx(np.mean(wanted), rel=1e-4)


def test_the_best_span_is_chosen_and_passages_share_the_probability():
    best = READER.best(PARAMS, inputs(), 3)
    for question, scores in enumerate(oracle()):
        total = sum(map(np.exp, scores.values()))
        place = max(scores, key=lambda span: scores[span])
        assert tuple(best.places[question]) == place
        assert best.logprobs[question] == pytest.approx(scores[place] - np.log(total), abs=1e-4)
        for passage in range(N):
            share = sum(np.exp(score) for span, score in scores.items() if span[0] == passage) / total
            assert best.shares[question, passage] == pytest.approx(share, abs=1e-4)


def test_a_question_without_a_passage_has_no_span():
    nothing = SpanInputs(np.zeros((1, N, L), np.int32), np.full((1, N), L, np.int32))
    best = READER.best(PARAMS, nothing, 3)
    assert best.places.tolist() == [[-1, -1, -1]]
    assert (best.logprobs.tolist(), best.shares.tolist()) == ([0.0], [[0.0] * N])


def test_gradients_reach_the_encoder_and_the_head():
    batch = {"inputs": inputs().tokens, "begins": inputs().begins, "spans": SPANS}
    loss = extractive_loss(READER)
    learn = jax.jit(jax.grad(lambda given: loss(given, batch, jax.random.key(0))[0]))
    reached = {name: any(np.any(leaf) for leaf in jax.tree.leaves(part)) for name, part in learn(PARAMS).items()}
    assert reached == {"encoder": True, "token_embedder": True, HEAD: True, "decoder": False}
    assert np.any(learn(with_head(tiny.params(), 16))[HEAD]["kernel"]), "zeros are left behind"
