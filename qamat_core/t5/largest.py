"""The k largest of a wide axis, such as a vocabulary's logits: by the maxima of blocks first."""

import jax
import jax.numpy as jnp

_BLOCK = 64
"""Values a block: maxima of blocks are found with vector instructions, which XLA's top_k on a CPU does without."""


def largest(values: jax.Array, count: int) -> tuple[jax.Array, jax.Array]:
    """Give what ``jax.lax.top_k`` gives: the ``count`` largest of ``values`` [..., V] and their places, int32.

    The blocks with the ``count`` largest maxima hold them all. The blocks are read in their order, so that of equals
    the first places win, as in ``top_k``.
    """
    padding = [(0, 0)] * (values.ndim - 1) + [(0, -values.shape[-1] % _BLOCK)]
    blocks = jnp.pad(values, padding, constant_values=-jnp.inf).reshape(*values.shape[:-1], -1, _BLOCK)
    if blocks.shape[-2] <= count:
        return jax.lax.top_k(values, count)
    _, chosen = jax.lax.top_k(blocks.max(-1), count)
    chosen = jnp.sort(chosen, axis=-1)
    candidates = jnp.take_along_axis(blocks, chosen[..., None], axis=-2)
    found, place = jax.lax.top_k(candidates.reshape(*values.shape[:-1], -1), count)
    block = jnp.take_along_axis(chosen, place // _BLOCK, axis=-1)
    return found, block * _BLOCK + place % _BLOCK
