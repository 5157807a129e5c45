"""Queries and keys that share rare words are near from the start."""

import jax
import numpy as np
import pytest

from qamat_core.qamat.reader import Reader
from qamat_core.qamat.retriever import encode, encode_cls, matched
from qamat_core.t5.initialize import init_params, rarity
from qamat_core.t5.network import T5
from qamat_core.training.checkpoint import Params
from tests.qamat_core.qamat import tiny


@pytest.fixture(scope="module")
def model() -> T5:
    t5 = tiny.config().t5
    return T5(t5.model_copy(update={"word_match": True, "d_model": 64, "head_dim": 32}))


@pytest.fixture(scope="module")
def params(model: T5) -> Params:
    return init_params(model, 0)


def _matched(model: T5, params: Params, *rows: list[int]) -> np.ndarray:
    width = max(map(len, rows))
    tokens = np.array([row + [0] * (width - len(row)) for row in rows], np.int32)
    return np.asarray(matched(model, params, tokens, np.zeros((len(rows), 1, model.config.d_model), np.float32)))[:, 0]


def test_order_and_padding_do_not_count(model: T5, params: Params):
    first, second, third = _matched(model, params, [7, 8, 9], [9, 7, 8], [7, 8, 9, 0, 0])
    np.testing.assert_allclose(first, second, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(first, third, rtol=1e-5, atol=1e-6)


def test_the_length_is_that_of_what_the_encoder_gives(model: T5, params: Params):
    lengths = np.linalg.norm(_matched(model, params, [7], [7, 8, 9, 10]), axis=1)
    np.testing.assert_allclose(lengths, float(params["word_match"]["scale"]) * 64**0.5, rtol=1e-3)


def test_keys_and_queries_are_words_and_a_share_of_what_is_encoded(model: T5, params: Params):
    row = [5, 7, 8, 9]
    tokens = np.array([row], np.int32)
    wanted = _matched(model, params, row) + params["word_match"]["share"] * encode(model, params, tokens)[:, 0]
    np.testing.assert_allclose(encode_cls(model, params, tokens), wanted, rtol=1e-4, atol=1e-4)
    config = tiny.config().model_copy(update={"t5": model.config})
    query = Reader(config, 5).query(params, tokens, 1).vectors[:, 0]
    np.testing.assert_allclose(query * config.temperature, wanted, rtol=1e-4, atol=1e-4)


def test_weights_start_as_rarity_and_what_is_in_no_text_has_none():
    tokenizer = tiny.tokenizer()
    weights = rarity(["Ada lives", "Bela lives"], tokenizer, 256)
    (ada, *_), (lives, *_) = tokenizer.encode("Ada"), tokenizer.encode("lives")
    assert weights.shape == (256,)
    assert weights[ada] > weights[lives] > 0
    assert weights[tokenizer.sentinel(0)] == weights[255] == 0


def test_shared_rare_words_bring_vectors_together(model: T5, params: Params):
    weighed = {**params, "word_match": {**params["word_match"], "weight": jax.numpy.ones(model.config.vocab_size)}}
    one, same, other = _matched(model, weighed, [7, 8, 9], [7, 8, 10], [20, 21, 22])
    assert one @ same > one @ other
