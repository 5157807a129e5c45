"""Beam search against greedy decoding and against trying every sequence."""

from itertools import product

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from qamat_core.t5.beam import beam
from qamat_core.t5.decoding import greedy
from qamat_core.t5.network import shift_right

EOS = 1


def exhaustive(run, model, params, encoded, tokens, length, penalty):
    """Every sequence that ends, or has full length, with its score, for the only row; best first."""
    vocab = model.config.vocab_size
    every = np.array(list(product(range(vocab), repeat=length)), np.int32)
    rows = len(every)
    sources = jnp.repeat(encoded, rows, 0), jnp.repeat(tokens, rows, 0)
    logits = run(model, params, "decode", *sources, shift_right(jnp.asarray(every)))
    logprobs = np.take_along_axis(np.asarray(jax.nn.log_softmax(logits)), every[..., None], -1)[..., 0]
    scored: dict[tuple[int, ...], float] = {}
    for sequence, each in zip(every.tolist(), logprobs, strict=True):
        end = sequence.index(EOS) + 1 if EOS in sequence else length
        key = (*sequence[:end], *[0] * (length - end))
        scored[key] = each[:end].sum() / ((5 + end) / 6) ** penalty
    return sorted(scored.items(), key=lambda item: -item[1])


@pytest.mark.parametrize(("pointer_head", "penalty"), [(False, 0.0), (True, 0.6)], ids=["plain", "pointer"])
def test_a_wide_beam_finds_the_best_of_all_sequences(tiny, run, pointer_head, penalty):
    model, params = tiny(vocab_size=6, pointer_head=pointer_head)
    tokens = jnp.asarray([[2, 4, 5, 3]], jnp.int32)
    encoded = run(model, params, "encode", tokens)
    # 30 hypotheses hold all continuations of the 5 open prefixes of one token, so nothing is pruned before the end.
    found = beam(model, params, encoded, tokens, 3, beam_size=30, length_penalty=penalty)
    expected = exhaustive(run, model, params, encoded, tokens, 3, penalty)[:10]
    np.testing.assert_allclose(found.score[0, :10], [score for _, score in expected], atol=1e-4)
    assert [tuple(sequence) for sequence in found.tokens[0, :10].tolist()] == [sequence for sequence, _ in expected]


@pytest.mark.parametrize("pointer_head", [False, True], ids=["plain", "pointer"])
def test_one_beam_is_greedy(tiny, run, source, pointer_head):
    model, params = tiny(pointer_head=pointer_head)
    encoded = run(model, params, "encode", source)
    one, best = beam(model, params, encoded, source, 8, beam_size=1), greedy(model, params, encoded, source, 8)
    np.testing.assert_array_equal(one.tokens[:, 0], best.tokens)
    np.testing.assert_array_equal(one.lengths[:, 0], best.lengths)
    np.testing.assert_allclose(one.sum_logprob[:, 0], best.sum_logprob, atol=1e-4)


def test_sequences_are_distinct_best_first_and_independent_of_companions(tiny, run, source):
    model, params = tiny(pointer_head=True)
    encoded = run(model, params, "encode", source)
    found = beam(model, params, encoded, source, 8, beam_size=4)
    alone = beam(model, params, encoded[2:3], source[2:3], 8, beam_size=4)
    assert (np.diff(found.score, axis=-1) <= 0).all()
    assert all(len({tuple(sequence) for sequence in row}) == 4 for row in found.tokens.tolist())
    np.testing.assert_array_equal(found.tokens[2:3], alone.tokens)
    np.testing.assert_allclose(found.score[2:3], alone.score, atol=1e-5)
    divisor = ((5 + np.asarray(found.lengths)) / 6) ** 0.6
    np.testing.assert_allclose(found.score, found.sum_logprob / divisor, rtol=1e-5)


def test_equals_go_by_token_id(tiny, run, source):
    model, params = tiny()
    zero = jax.tree.map(jnp.zeros_like, params)
    found = beam(model, zero, run(model, zero, "encode", source), source, 3, beam_size=3, length_penalty=0.0)
    # All tokens are equally probable: shorter is better, and the first hypothesis's continuations come first.
    assert found.tokens.tolist() == [[[1, 0, 0], [0, 1, 0], [0, 0, 1]]] * len(source)
