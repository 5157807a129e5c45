"""How retrieved entries reach the decoder (paper sections 3.3 and 3.4).

Neural: H = F(X), to whose row at each [MASK] the weighted sum of the entries' values is added. Discrete: the entries'
tokens stand before the input, [m_K, ..., m_1, X], the best nearest to X, and are encoded with it. Both: the decoder
attends to H' + lambda * H^, H' being H with zero rows in front (equation 2).
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

MOST_RANKS = 99
"""Ranks that can be marked: the sentinels below [CLS], without the [MASK]."""


def add_neural(
    encoded: Float[Array, "B L D"],
    positions: Int[Array, "B S"],
    probabilities: Float[Array, "B S K"],
    values: Float[Array, "B K D"],
) -> Float[Array, "B L D"]:
    """Return H: the weighted sum of values is added at each mask's row (a row that two masks share gets it once)."""
    aggregated = jnp.einsum("bsk,bkd->bsd", probabilities, values)
    first = jnp.argmax(positions[:, :, None] == positions[:, None, :], axis=-1) == jnp.arange(positions.shape[1])
    spread = jax.nn.one_hot(positions, encoded.shape[1], dtype=encoded.dtype) * first[..., None]
    return encoded + jnp.einsum("bsl,bsd->bld", spread, aggregated)


def prepend_entries(
    tokens: Int[Array, "B L"], entries: Int[Array, "B K V"], visible: Float[Array, "B K"]
) -> Int[Array, "B K*V+L"]:
    """Return the tokens of [m_K, ..., m_1, X]; a hidden entry is padding."""
    shown = jnp.where(visible[..., None] > 0, entries, 0)[:, ::-1]
    return jnp.concatenate([shown.reshape(tokens.shape[0], -1), tokens], axis=1)


def mark_ranks(entries: Int[Array, "B K V"]) -> Int[Array, "B K V"]:
    """Return the entries, best first, with their rank r added to their first token: [CLS] becomes <extra_id_(99-r)>."""
    return entries.at[:, :, 0].add(jnp.arange(entries.shape[1]))


def combine(neural: Float[Array, "B L D"], discrete: Float[Array, "B N D"], balance: float) -> Float[Array, "B N D"]:
    """Return H' + lambda * H^ (equation 2)."""
    front = discrete.shape[1] - neural.shape[1]
    return jnp.pad(neural, ((0, 0), (front, 0), (0, 0))) + balance * discrete


def visible_slots(key: Array, batch: int, k: int, vary: bool) -> Float[Array, "B K"]:
    """Return 1 for the slots that an example may read: the first k of K, k drawn from 1 to K if ``vary``."""
    shown = jax.random.randint(key, (batch, 1), 1, k + 1) if vary else k
    return (jnp.arange(k)[None, :] < shown).astype(jnp.float32) * jnp.ones((batch, 1))
