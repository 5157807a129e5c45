"""The building blocks of T5: dense and embedding layers without bias, RMS norm, feed-forward block.

Parameter names, shapes and initial distributions are T5X's. Parameters are float32; ``config.dtype`` is the type
of activations.
"""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn
from flax.linen import initializers

from schemas.model import T5Config

Initializer = initializers.Initializer


def multiply(x: jax.Array, kernel: jax.Array) -> jax.Array:
    """Give ``x`` [..., in] times ``kernel`` [in, out] as [..., out].

    For XLA on a CPU: the rows stand in one axis, or it copies a transpose of them for the gradient of the kernel; and
    the gradient of a kernel with more inputs than outputs is found transposed, which takes half the time (the barrier
    keeps the order).
    """
    rows = x.reshape(-1, x.shape[-1])
    if kernel.shape[0] > kernel.shape[1]:
        product = jax.lax.dot_general(rows, jax.lax.optimization_barrier(kernel.T), (((1,), (1,)), ((), ())))
    else:
        product = rows @ kernel
    return product.reshape(*x.shape[:-1], kernel.shape[-1])


class Dense(nn.Module):
    """A linear layer without bias; ``kernel`` is [in, features]."""

    features: int
    dtype: Any = jnp.float32
    kernel_init: Initializer = initializers.variance_scaling(1.0, "fan_in", "truncated_normal")

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        """Map [..., in] to [..., features]."""
        kernel = self.param("kernel", self.kernel_init, (x.shape[-1], self.features))
        return multiply(x.astype(self.dtype), kernel.astype(self.dtype))


class Embedding(nn.Module):
    """A table of token vectors; ``embedding`` is [V, D]."""

    config: T5Config

    def setup(self) -> None:
        """Declare the table, N(0, 1) as in T5."""
        shape = (self.config.vocab_size, self.config.d_model)
        self.embedding = self.param("embedding", initializers.normal(1.0), shape)

    def __call__(self, tokens: jax.Array) -> jax.Array:
        """Look up ``tokens`` [...] as [..., D]."""
        return jnp.take(self.embedding, tokens, axis=0).astype(self.config.dtype)

    def attend(self, x: jax.Array) -> jax.Array:
        """Give the tied logits [..., V] of ``x`` [..., D], scaled by D^-1/2, in float32."""
        return multiply(x.astype(jnp.float32) * self.config.d_model**-0.5, self.embedding.T)


def _inverse_root(x: jax.Array, epsilon: float) -> jax.Array:
    return jax.lax.rsqrt(jnp.mean(jnp.square(x), axis=-1, keepdims=True) + epsilon)


@partial(jax.custom_jvp, nondiff_argnums=(1,))
def _normal(x: jax.Array, epsilon: float) -> jax.Array:
    """Divide ``x`` [..., D] by its root mean square; the gradient keeps the result in the place of ``x``."""
    return x * _inverse_root(x, epsilon)


@_normal.defjvp
def _normal_jvp(epsilon: float, primals: tuple[jax.Array], tangents: tuple[jax.Array]) -> tuple[jax.Array, jax.Array]:
    (x,), (change,) = primals, tangents
    inverse = _inverse_root(x, epsilon)
    normal = x * inverse
    return normal, inverse * (change - normal * jnp.mean(normal * change, axis=-1, keepdims=True))


class LayerNorm(nn.Module):
    """T5's layer norm: division by the root mean square, no centring, no bias."""

    dtype: Any = jnp.float32
    epsilon: float = 1e-6

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        """Normalise the last axis of ``x`` [..., D] in float32."""
        scale = self.param("scale", initializers.ones, (x.shape[-1],))
        return (_normal(x.astype(jnp.float32), self.epsilon) * scale).astype(self.dtype)


class Dropout(nn.Module):
    """Dropout whose mask is shared along the length axis, as in T5X."""

    rate: float

    @nn.compact
    def __call__(self, x: jax.Array, deterministic: bool) -> jax.Array:
        """Drop channels of ``x`` [..., L, D]."""
        return nn.Dropout(self.rate, broadcast_dims=(-2,))(x, deterministic=deterministic)


class MlpBlock(nn.Module):
    """The feed-forward block: ReLU with ``wi`` (1.0), or GELU(``wi_0``) * ``wi_1`` (1.1)."""

    config: T5Config

    def setup(self) -> None:
        """Declare the projections by T5X's names."""
        config = self.config
        if config.variant == "1.0":
            self.wi = Dense(config.d_ff, config.dtype)
        else:
            self.wi_0 = Dense(config.d_ff, config.dtype)
            self.wi_1 = Dense(config.d_ff, config.dtype)
        self.wo = Dense(config.d_model, config.dtype)
        self.dropout = Dropout(config.dropout)

    def __call__(self, x: jax.Array, deterministic: bool) -> jax.Array:
        """Map [..., L, D] to [..., L, D]."""
        if self.config.variant == "1.0":
            hidden = nn.relu(self.wi(x))
        else:
            hidden = nn.gelu(self.wi_0(x), approximate=True) * self.wi_1(x)
        return self.wo(self.dropout(hidden, deterministic))
