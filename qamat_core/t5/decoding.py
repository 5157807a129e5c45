"""Greedy decoding with cached keys and values; static shapes, one compilation a shape."""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from qamat_core.t5.decoder import Cache, empty_cache
from qamat_core.t5.largest import largest
from qamat_core.t5.network import T5
from schemas.model import EOS_ID, PAD_ID, T5Config

Params = Any
"""The parameter tree of a T5: nested dictionaries of arrays."""


class Decoded(NamedTuple):
    """Decoded sequences, with their end token where they have one, then padding."""

    tokens: jax.Array
    """[B, T] int32."""
    sum_logprob: jax.Array
    """[B] float32, the end token's included."""
    lengths: jax.Array
    """[B] int32, the end token included."""


class _State(NamedTuple):
    position: jax.Array
    last: jax.Array
    done: jax.Array
    tokens: jax.Array
    sum_logprob: jax.Array
    cache: Cache


@partial(jax.jit, static_argnames=("model", "max_length"))
def greedy(model: T5, params: Params, encoded: jax.Array, encoder_tokens: jax.Array, max_length: int) -> Decoded:
    """Take the most probable token (of equals the smallest id) until the end token or ``max_length``.

    ``encoded`` [B, S, D] and ``encoder_tokens`` [B, S] are as in ``T5.decode``. Stops when all rows have ended.
    """
    source = call(model, params, "source", encoded, encoder_tokens)
    bias = call(model, params, "self_bias", max_length)
    rows = encoded.shape[0]

    def body(state: _State) -> _State:
        logits, cache = call(model, params, "step", state.last[:, None], state.position, bias, source, state.cache)
        best, logprob = most_probable(logits[:, 0])
        token = jnp.where(state.done, PAD_ID, best)
        return _State(
            state.position + 1,
            token,
            state.done | (token == EOS_ID),
            jax.lax.dynamic_update_slice_in_dim(state.tokens, token[:, None], state.position, 1),
            state.sum_logprob + jnp.where(state.done, 0.0, logprob),
            cache,
        )

    start = _State(
        jnp.int32(0),
        jnp.full(rows, PAD_ID, jnp.int32),
        jnp.zeros(rows, bool),
        jnp.full((rows, max_length), PAD_ID, jnp.int32),
        jnp.zeros(rows),
        empty_cache(model.config, rows, 1, max_length),
    )
    end = jax.lax.while_loop(lambda s: (s.position < max_length) & ~s.done.all(), body, start)
    return Decoded(end.tokens, end.sum_logprob, lengths(end.tokens))


def most_probable(logits: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Give the most probable token [B] by ``logits`` [B, V], of equals the smallest id, and its log-probability [B]."""
    (top,), (best,) = (a.T for a in largest(logits, 1))
    return best, top - jax.nn.logsumexp(logits, axis=-1)


def untie(config: T5Config, params: Params) -> tuple[T5Config, Params]:
    """Give the same model with an output layer of its own; one that has it comes back as it is.

    A tied embedding [V, D] would be laid out anew as [D, V] at every step of decoding. The logits are the same within
    rounding: the scale D^-1/2 is part of the kernel.
    """
    if not config.tie_embeddings:
        return config, params
    kernel = jnp.asarray(params["token_embedder"]["embedding"]).T * config.d_model**-0.5
    decoder = {**params["decoder"], "logits_dense": {"kernel": kernel}}
    return config.model_copy(update={"tie_embeddings": False}), {**params, "decoder": decoder}


def call(model: T5, params: Params, method: str, *args: Any) -> Any:
    """Call a method of ``model`` with the parameter tree ``params``."""
    return model.apply({"params": params}, *args, method=method)


def lengths(tokens: jax.Array) -> jax.Array:
    """Give the lengths [...] of ``tokens`` [..., T] up to and with the first end token; T where there is none."""
    ended = tokens == EOS_ID
    return jnp.where(ended.any(-1), ended.argmax(-1) + 1, tokens.shape[-1]).astype(jnp.int32)
