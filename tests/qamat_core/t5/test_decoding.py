"""Greedy decoding with a cache against plain teacher forcing."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from qamat_core.t5.decoding import greedy, lengths, untie
from qamat_core.t5.network import T5, shift_right

LENGTH = 8


@pytest.fixture(params=[False, True], ids=["plain", "pointer"])
def setting(request, tiny, run, source):
    """A model, its parameters with a likely end token, and an encoded source."""
    model, params = tiny(pointer_head=request.param)
    embedding = params["token_embedder"]["embedding"]
    params = params | {"token_embedder": {"embedding": embedding.at[1].multiply(2.0)}}
    encoded = run(model, params, "encode", source)
    return model, params, encoded, source


def test_cached_decoding_equals_uncached(setting, run):
    model, params, encoded, source = setting
    decoded = greedy(model, params, encoded, source, LENGTH)
    logits = run(model, params, "decode", encoded, source, shift_right(decoded.tokens))
    logprobs = np.asarray(jax.nn.log_softmax(logits))
    sums = np.zeros(len(source))
    for row, length in enumerate(np.asarray(decoded.lengths)):
        expected = logprobs[row, :length].argmax(-1)
        np.testing.assert_array_equal(decoded.tokens[row, :length], expected)
        sums[row] = logprobs[row, :length].max(-1).sum()
    np.testing.assert_allclose(decoded.sum_logprob, sums, atol=1e-4)


def test_nothing_follows_the_end_token(setting):
    decoded = greedy(*setting, LENGTH)
    for tokens, length in zip(np.asarray(decoded.tokens), np.asarray(decoded.lengths), strict=True):
        assert (tokens[length:] == 0).all()
        assert 1 not in tokens[: length - 1]
        assert length == LENGTH or tokens[length - 1] == 1


def test_a_row_does_not_depend_on_its_companions(setting):
    model, params, encoded, source = setting
    whole = greedy(model, params, encoded, source, LENGTH)
    alone = greedy(model, params, encoded[1:2], source[1:2], LENGTH)
    np.testing.assert_array_equal(whole.tokens[1:2], alone.tokens)
    np.testing.assert_allclose(whole.sum_logprob[1:2], alone.sum_logprob, atol=1e-5)


def test_lengths_count_the_first_end_token():
    tokens = jnp.asarray([[5, 1, 0, 0], [1, 0, 0, 0], [5, 6, 7, 8]])
    assert lengths(tokens).tolist() == [2, 1, 4]


def test_an_untied_model_gives_the_same_logits(tiny, run, source):
    model, params = tiny()
    config, untied = untie(model.config, params)
    assert not config.tie_embeddings
    tied_logits, logits = (
        run(one, tree, "__call__", source, source) for one, tree in ((model, params), (T5(config), untied))
    )
    np.testing.assert_allclose(logits, tied_logits, rtol=1e-5, atol=1e-5)
    assert "logits_dense" not in params["decoder"]


def test_a_model_with_an_output_layer_stays_as_it_is(tiny):
    model, params = tiny(tie_embeddings=False)
    assert untie(model.config, params) == (model.config, params)


def test_of_equals_the_smallest_id_is_taken(tiny, run, source):
    model, params = tiny()
    zero = jax.tree.map(jnp.zeros_like, params)
    decoded = greedy(model, zero, run(model, zero, "encode", source), source, 3)
    assert decoded.tokens.tolist() == [[0, 0, 0]] * len(source)
