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
    """Sum of the embeddings of words, each times its weight; its length is ``scale`` * sqrt(D), whatever the words."""

    config: T5Config

    def setup(self) -> None:
        """Declare the embedding [V, D], the weights [V] and the scale."""
        width, words = self.config.d_model, self.config.vocab_size
        self.embedding = self.param("embedding", initializers.normal(width**-0.5), (words, width), jnp.float32)
        self.weight = self.param("weight", initializers.ones, (words,), jnp.float32)
        self.scale = self.param("scale", initializers.constant(1.2), (), jnp.float32)

    def __call__(self, tokens: jax.Array) -> jax.Array:
        """Map ``tokens`` [B, L] to [B, D]."""
        weights = jnp.where(tokens == PAD_ID, 0.0, self.weight[tokens])
        summed = jnp.einsum("bl,bld->bd", weights, self.embedding[tokens])
        length = jnp.sqrt(jnp.sum(summed**2, axis=-1, keepdims=True) + _LEAST)
        return (summed * (self.scale * self.config.d_model**0.5) / length).astype(self.config.dtype)
