"""Attention of many queries goes by blocks on a processor, and gives what it gives at once."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn

from qamat_core.t5 import attention
from qamat_core.t5.attention import KeysValues, MultiHeadAttention
from tests.qamat_core.t5.conftest import TINY


def test_blocks_give_the_attention_and_the_gradient_of_the_whole(monkeypatch: pytest.MonkeyPatch):
    rng = np.random.default_rng(0)
    x = jnp.asarray(rng.normal(size=(2, 70, TINY.d_model)), jnp.float32)
    bias = jnp.asarray(rng.normal(size=(2, TINY.num_heads, 70, 70)), jnp.float32).at[0, :, :, 40:].set(attention.MASKED)
    layer = _Alone(TINY)
    params = jax.jit(layer.init)(jax.random.key(0), x, bias)

    def run(longest: int) -> Any:
        monkeypatch.setattr(attention, "_LONG", longest)

        def apply(*given: Any) -> Any:  # anew, or the first one's program would be taken
            return layer.apply(*given)

        assert ("scan" in str(jax.make_jaxpr(apply)(params, x, bias))) == (longest <= 70)
        slopes = jax.jit(jax.grad(lambda *given: (apply(*given) ** 2).sum(), argnums=(0, 1, 2)))
        return jax.jit(apply)(params, x, bias), slopes(params, x, bias)

    for ours, theirs in zip(jax.tree.leaves(run(70)), jax.tree.leaves(run(71)), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4)


class _Alone(nn.Module):
    """Self-attention."""

    config: Any

    @nn.compact
    def __call__(self, x: jax.Array, bias: jax.Array) -> jax.Array:
        layer = MultiHeadAttention(self.config)
        memory: KeysValues = layer.project(x)
        return layer(x, memory, bias, True)
