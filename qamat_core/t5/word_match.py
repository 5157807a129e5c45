"""Matching by words: an aid for small models trained from scratch, not in the paper (``T5Config.word_match``).

A random projection of a BM25-like vector of words (after Luan et al. 2021, "Sparse, Dense, and Attentional
Representations") whose projection and weights go on learning.
"""

import jax
import jax.numpy as jnp
from flax import linen as nn
from flax.linen import initializers

from schemas.model import PAD_ID, T5Config

_LEAST = 1e-6


class WordMatch(nn.Module):
    """Adds the weighted sum of an input's word embeddings to its vectors.

    The sum has the length ``scale`` * sqrt(D), whatever the words; what the encoder gave has about sqrt(D) and is
    multiplied by ``share``, which starts small: the words come first.
    """

    config: T5Config

    def setup(self) -> None:
        """Declare the embedding [V, D], the weights [V] and both factors."""
        width, words = self.config.d_model, self.config.vocab_size
        self.embedding = self.param("embedding", initializers.normal(width**-0.5), (words, width), jnp.float32)
        self.weight = self.param("weight", initializers.ones, (words,), jnp.float32)
        self.scale = self.param("scale", initializers.constant(1.2), (), jnp.float32)
        self.share = self.param("share", initializers.constant(0.1), (), jnp.float32)

    def __call__(self, tokens: jax.Array, vectors: jax.Array) -> jax.Array:
        """Map the ``tokens`` [B, L] of inputs and their ``vectors`` [B, S, D] to [B, S, D]."""
        weights = jnp.where(tokens == PAD_ID, 0.0, self.weight[tokens])
        summed = jnp.einsum("bl,bld->bd", weights, self.embedding[tokens])
        length = jnp.sqrt(jnp.sum(summed**2, axis=-1, keepdims=True) + _LEAST)
        words = summed * (self.scale * self.config.d_model**0.5) / length
        return self.share.astype(vectors.dtype) * vectors + words[:, None].astype(vectors.dtype)
