"""Fresh parameters, and a vocabulary size that fits a tokenizer."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from qamat_core.t5.network import T5
from qamat_core.tokenizer import Tokenizer
from qamat_core.training.checkpoint import Params
from schemas.model import T5Config

VOCABULARY_MULTIPLE = 128
"""Rows of the embedding are rounded up to a multiple of this, as T5's 32,100 are to 32,128."""


def fit_vocabulary(model: T5Config, tokenizer: Tokenizer) -> T5Config:
    """Return the configuration with the tokenizer's vocabulary, rounded up."""
    size = -(-tokenizer.vocab_size // VOCABULARY_MULTIPLE) * VOCABULARY_MULTIPLE
    return model.model_copy(update={"vocab_size": size})


def init_params(model: T5, seed: int) -> Params:
    """Return fresh parameters, drawn by ``seed``."""
    tokens = jnp.ones((1, 2), jnp.int32)
    return jax.jit(model.init)(jax.random.key(seed), tokens, tokens)["params"]


def rarity(texts: Sequence[str], tokenizer: Tokenizer, rows: int) -> Float[np.ndarray, " V"]:
    """Return what ``word_match`` starts with: the root of each piece's inverse document frequency in the texts.

    What stands in none of them has 0, sentinels too. The product of two such weights is what BM25 weighs a shared word.
    """
    having = np.zeros(rows)
    for text in texts:
        having[list(set(tokenizer.encode(text)))] += 1
    frequency = np.log(1 + (len(texts) - having + 0.5) / (having + 0.5))
    return np.where(having > 0, np.sqrt(frequency), 0.0).astype(np.float32)
