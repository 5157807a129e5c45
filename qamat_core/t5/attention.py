"""T5's multi-head attention: no bias, no 1/sqrt(head_dim) (it stands in the initial query kernel)."""

from typing import Any, Final, NamedTuple

import jax
import jax.numpy as jnp
from flax import linen as nn
from flax.linen import initializers

from qamat_core.t5.layers import Dense
from schemas.model import T5Config

MASKED = -1e10
"""What is added to the logit of a masked position."""
_LONG: Final = 512
"""From so many queries on the scores do not fit in a processor's cache."""
_BLOCK: Final = 32
"""Queries at a time then; 41 of 1,312, those of 32 entries, before a question: two thirds of the time."""


class KeysValues(NamedTuple):
    """Projected keys and values of one attention layer: what one head reads is whole, and laid out for its products."""

    keys: jax.Array
    """[B, heads, head_dim, K]."""
    values: jax.Array
    """[B, heads, K, head_dim]."""


def padding_bias(tokens: jax.Array) -> jax.Array:
    """Give the bias [B, 1, 1, K] that hides the padding of ``tokens`` [B, K]."""
    return jnp.where(tokens != 0, 0.0, MASKED)[:, None, None, :]


def causal_bias(length: int) -> jax.Array:
    """Give the bias [1, 1, length, length] that hides later positions."""
    return jnp.where(jnp.tri(length, dtype=bool), 0.0, MASKED)[None, None]


class MultiHeadAttention(nn.Module):
    """Attention with kernels [D, heads * head_dim] and [heads * head_dim, D], as in T5X checkpoints."""

    config: T5Config

    def setup(self) -> None:
        """Declare the four projections with T5X's initial distributions."""
        config = self.config
        width = config.num_heads * config.head_dim
        plain = initializers.variance_scaling(1.0, "fan_in", "normal")
        scaled = initializers.variance_scaling(1.0 / config.head_dim, "fan_in", "normal")
        self.query = Dense(width, config.dtype, scaled)
        self.key = Dense(width, config.dtype, plain)
        self.value = Dense(width, config.dtype, plain)
        self.out = Dense(config.d_model, config.dtype, plain)
        self.dropout = nn.Dropout(config.dropout, broadcast_dims=(-2,))

    def project(self, x: jax.Array) -> KeysValues:
        """Give the keys and values of ``x`` [B, K, D]."""
        return KeysValues(self._split(self.key(x)).mT, self._split(self.value(x)))

    def __call__(self, x: jax.Array, memory: KeysValues, bias: jax.Array, deterministic: bool) -> jax.Array:
        """Attend from ``x`` [B, Q, D] to ``memory``; ``bias`` broadcasts to [B, heads, Q, K]. Gives [B, Q, D]."""
        queries = self._split(self.query(x))
        if deterministic and x.shape[1] >= _LONG:
            mixed = _attend_long(queries, memory, bias)
        else:
            weights = self.dropout(_weights(queries, memory.keys, bias), deterministic=deterministic)
            mixed = weights @ memory.values
        return self.out(mixed.swapaxes(1, 2).reshape(*x.shape[:-1], -1))

    def _split(self, x: jax.Array) -> jax.Array:
        return x.reshape(*x.shape[:-1], self.config.num_heads, self.config.head_dim).swapaxes(1, 2)


def _weights(queries: jax.Array, keys: jax.Array, bias: jax.Array) -> jax.Array:
    """Give what each query [B, heads, Q, head_dim] reads of each key, [B, heads, Q, K]."""
    return _softmax(_scores(queries, keys).astype(jnp.float32) + bias).astype(queries.dtype)


@jax.custom_jvp
def _attend_long(queries: jax.Array, memory: KeysValues, bias: jax.Array) -> jax.Array:
    """Attend from many queries [B, heads, Q, head_dim]; ``bias`` has them all. The gradient is that of ``_attend``."""
    return jax.lax.platform_dependent(queries, memory, bias, cpu=_attend_by_blocks, default=_attend)


@_attend_long.defjvp
def _attend_jvp(primals: Any, tangents: Any) -> tuple[jax.Array, jax.Array]:
    return jax.jvp(_attend, primals, tangents)


def _attend(queries: jax.Array, memory: KeysValues, bias: jax.Array) -> jax.Array:
    return _weights(queries, memory.keys, bias) @ memory.values


def _attend_by_blocks(queries: jax.Array, memory: KeysValues, bias: jax.Array) -> jax.Array:
    """Attend from a block of queries at a time, so that their scores stay in a processor's cache."""
    length = queries.shape[2]
    spare = -length % _BLOCK
    padded = jnp.pad(queries, ((0, 0), (0, 0), (0, spare), (0, 0)))
    biases = jnp.pad(bias, ((0, 0), (0, 0), (0, spare), (0, 0)))

    def one(start: jax.Array) -> jax.Array:
        some, own = (jax.lax.dynamic_slice_in_dim(part, start, _BLOCK, 2) for part in (padded, biases))
        return _attend(some, memory, own)

    mixed = jnp.moveaxis(jax.lax.map(one, jnp.arange(0, length, _BLOCK)), 0, 2)
    return mixed.reshape(padded.shape)[:, :, :length]


def _scores(queries: jax.Array, keys: jax.Array) -> jax.Array:
    """Multiply ``queries`` [B, heads, Q, head_dim] and ``keys`` [B, heads, head_dim, K]."""
    if queries.shape[2] > 1:
        return queries @ keys
    # XLA's product of one vector and a matrix takes twice as long on a CPU as that of four equal vectors; the barrier
    # keeps it from reducing four to one.
    return jax.lax.optimization_barrier(jnp.repeat(queries, 4, axis=2) @ keys)[:, :, :1]


@jax.custom_jvp
def _softmax(x: jax.Array) -> jax.Array:
    """Softmax over the last axis; its gradient keeps the result alone, where JAX's keeps the exponentials as well."""
    return jax.nn.softmax(x, axis=-1)


@_softmax.defjvp
def _softmax_jvp(primals: tuple[jax.Array], tangents: tuple[jax.Array]) -> tuple[jax.Array, jax.Array]:
    weights, (change,) = _softmax(*primals), tangents
    return weights, weights * (change - jnp.sum(weights * change, axis=-1, keepdims=True))
