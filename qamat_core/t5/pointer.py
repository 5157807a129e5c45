"""The pointer head: an aid for small models trained from scratch, not in the paper.

The output distribution is one softmax over the vocabulary's logits and a score for every source position; the
probability of copying position j is added to that of the token which stands there (after See et al. 2017, with the
switch between copying and generating folded into the softmax).
"""

import jax
import jax.numpy as jnp
from flax import linen as nn
from flax.linen import initializers

from qamat_core.t5.attention import padding_bias
from qamat_core.t5.layers import Dense
from schemas.model import T5Config

FLOOR = 1e-20
"""Added to probabilities before the logarithm (relative to the largest one)."""


class PointerHead(nn.Module):
    """Scores source positions: state . (``current`` H_j + ``previous`` H_{j-1}) / sqrt(D), kernels [D, D]."""

    config: T5Config

    def setup(self) -> None:
        """Declare the two projections."""
        init = initializers.variance_scaling(1.0, "fan_in", "normal")
        self.current = Dense(self.config.d_model, self.config.dtype, init)
        self.previous = Dense(self.config.d_model, self.config.dtype, init)

    def keys(self, encoded: jax.Array, encoder_tokens: jax.Array) -> jax.Array:
        """Give the keys [B, S, D] of ``encoded`` [B, S, D]; padding counts as zero, so does what precedes all."""
        real = jnp.where((encoder_tokens != 0)[..., None], encoded, 0)
        before = jnp.pad(real, ((0, 0), (1, 0), (0, 0)))[:, :-1]
        return (self.current(real) + self.previous(before)) * self.config.d_model**-0.5

    def __call__(self, states: jax.Array, logits: jax.Array, keys: jax.Array, encoder_tokens: jax.Array) -> jax.Array:
        """Mix ``logits`` [B, T, V] of ``states`` [B, T, D] with copies of the source; gives log-probabilities."""
        scores = jnp.einsum("btd,bsd->bts", states, keys).astype(jnp.float32)
        return mix(logits, scores + padding_bias(encoder_tokens)[:, 0], encoder_tokens)


def mix(logits: jax.Array, scores: jax.Array, tokens: jax.Array) -> jax.Array:
    """Give log-probabilities [B, T, V] of one softmax over ``logits`` [B, T, V] and ``scores`` [B, T, S].

    ``tokens`` [B, S] are the ids at the source positions; a masked position's score is very negative.
    """
    largest = jnp.maximum(logits.max(-1, keepdims=True), scores.max(-1, keepdims=True))
    largest = jax.lax.stop_gradient(largest)
    generated, copied = jnp.exp(logits - largest), jnp.exp(scores - largest)
    total = generated.sum(-1, keepdims=True) + copied.sum(-1, keepdims=True)
    return jnp.log(generated + scatter(copied, tokens, logits.shape[-1]) + FLOOR) - jnp.log(total)


def scatter(weights: jax.Array, tokens: jax.Array, vocab_size: int) -> jax.Array:
    """Sum ``weights`` [B, T, S] by the token at their source position, ``tokens`` [B, S], into [B, T, V]."""

    def one(row: jax.Array, ids: jax.Array) -> jax.Array:
        return jnp.zeros((row.shape[0], vocab_size), row.dtype).at[:, ids].add(row)

    return jax.vmap(one)(weights, tokens)
