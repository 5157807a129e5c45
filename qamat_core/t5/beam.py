"""Beam search with cached keys and values; static shapes, one compilation a shape.

Each step takes the 2 N best continuations; those that end and are among the N best compete for a pool of N finished
sequences (so one beam is greedy decoding), the N best others live on. A row is settled when no living hypothesis can
still enter the pool, so its result does not depend on the other rows of the batch. At ``max_length`` the living
compete with the finished. Of equals the earlier hypothesis and the smaller token id win.
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp

from qamat_core.t5.decoder import Cache, empty_cache
from qamat_core.t5.decoding import Params, call, lengths
from qamat_core.t5.largest import largest
from qamat_core.t5.network import T5
from schemas.model import EOS_ID, PAD_ID

IMPOSSIBLE = -1e9
"""The log-probability of a hypothesis that does not exist."""


class Beams(NamedTuple):
    """N sequences a row, best score first; a place that no sequence fills has a score below -1e8."""

    tokens: jax.Array
    """[B, N, T] int32, with the end token where there is one, then padding."""
    sum_logprob: jax.Array
    """[B, N] float32, the end token's included."""
    score: jax.Array
    """[B, N] float32, ``sum_logprob`` over the length penalty."""
    lengths: jax.Array
    """[B, N] int32, the end token included."""


class _Pool(NamedTuple):
    tokens: jax.Array
    sum_logprob: jax.Array
    score: jax.Array


class _State(NamedTuple):
    position: jax.Array
    last: jax.Array
    alive: _Pool
    finished: _Pool
    cache: Cache


@partial(jax.jit, static_argnames=("model", "max_length", "beam_size", "length_penalty"))
def beam(
    model: T5,
    params: Params,
    encoded: jax.Array,
    encoder_tokens: jax.Array,
    max_length: int,
    *,
    beam_size: int,
    length_penalty: float = 0.6,
) -> Beams:
    """Search for the ``beam_size`` best sequences of each row.

    The score is the sum of log-probabilities over ((5 + length) / 6) ^ ``length_penalty`` (Wu et al. 2016; T5X's
    default exponent, never negative); 0 ranks by probability. ``encoded`` [B, S, D] and ``encoder_tokens`` [B, S]
    are as in ``T5.decode``.
    """
    source = call(model, params, "source", encoded, encoder_tokens)
    bias = call(model, params, "self_bias", max_length)

    def body(state: _State) -> _State:
        logits, cache = call(model, params, "step", state.last, state.position, bias, source, state.cache)
        return _advance(state._replace(cache=cache), logits, length_penalty)

    def unsettled(state: _State) -> jax.Array:
        # Log-probabilities only fall and the penalty is largest at full length: the best that can still come.
        bound = state.alive.sum_logprob[:, 0] / _penalty(max_length, length_penalty)
        return (state.position < max_length) & (bound > state.finished.score[:, -1]).any()

    start = _start(model, encoded.shape[0], beam_size, max_length)
    end = jax.lax.while_loop(unsettled, body, start)
    alive = end.alive._replace(score=end.alive.sum_logprob / _penalty(max_length, length_penalty))
    whole = jax.tree.map(lambda a: jnp.where(end.position == max_length, a, IMPOSSIBLE).astype(a.dtype), alive)
    best = _best(_join(end.finished, whole._replace(tokens=alive.tokens)), beam_size)
    return Beams(best.tokens, best.sum_logprob, best.score, lengths(best.tokens))


def _penalty(length: int | jax.Array, exponent: float) -> jax.Array:
    return jnp.asarray((5.0 + length) / 6.0, jnp.float32) ** exponent


def _start(model: T5, rows: int, beam_size: int, max_length: int) -> _State:
    """Give the state before the first token: one living hypothesis a row, none finished."""
    nothing = jnp.full((rows, beam_size), IMPOSSIBLE)
    tokens = jnp.full((rows, beam_size, max_length), PAD_ID, jnp.int32)
    return _State(
        jnp.int32(0),
        jnp.full((rows, beam_size), PAD_ID, jnp.int32),
        _Pool(tokens, nothing.at[:, 0].set(0.0), nothing),
        _Pool(tokens, nothing, nothing),
        empty_cache(model.config, rows, beam_size, max_length),
    )


def _continuations(sum_logprob: jax.Array, logits: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Give the 2 N best continuations of hypotheses [B, N] by ``logits`` [B, N, V]: log-probability, parent, token."""
    rows, beam_size, vocab_size = logits.shape
    width = min(2 * beam_size, vocab_size)
    # Within one hypothesis logits rank as log-probabilities do.
    best, tokens = largest(logits, width)
    logprobs = best - jax.nn.logsumexp(logits, axis=-1, keepdims=True)
    sums, place = jax.lax.top_k((sum_logprob[..., None] + logprobs).reshape(rows, -1), 2 * beam_size)
    return sums, place // width, _take(tokens.reshape(rows, -1), place)


def _advance(state: _State, logits: jax.Array, length_penalty: float) -> _State:
    """Extend the living hypotheses by one token, given its ``logits`` [B, N, V]."""
    beam_size = logits.shape[1]
    # At most N continuations end (one a hypothesis), so N of the best 2 N live on.
    sum_logprob, parent, token = _continuations(state.alive.sum_logprob, logits)
    tokens = jnp.take_along_axis(state.alive.tokens, parent[..., None], axis=1)
    tokens = jax.lax.dynamic_update_slice_in_dim(tokens, token[..., None], state.position, 2)
    ends = token == EOS_ID
    score = sum_logprob / _penalty(state.position + 1, length_penalty)
    finishes = ends & (jnp.arange(2 * beam_size) < beam_size) & (sum_logprob > IMPOSSIBLE / 2)
    ended = _Pool(tokens, sum_logprob, jnp.where(finishes, score, IMPOSSIBLE))
    # The living keep their order: rank by what does not end, ties by place.
    _, kept = jax.lax.top_k(jnp.where(ends, 2 * IMPOSSIBLE, sum_logprob), beam_size)
    alive = _Pool(*(_take(a, kept) for a in (tokens, sum_logprob, score)))
    return _State(
        state.position + 1,
        _take(token, kept),
        alive,
        _best(_join(state.finished, ended), beam_size),
        state.cache.follow(_take(parent, kept)),
    )


def _join(first: _Pool, second: _Pool) -> _Pool:
    return _Pool(*(jnp.concatenate(pair, axis=1) for pair in zip(first, second, strict=True)))


def _best(pool: _Pool, count: int) -> _Pool:
    _, order = jax.lax.top_k(pool.score, count)
    return _Pool(*(_take(a, order) for a in pool))


def _take(values: jax.Array, order: jax.Array) -> jax.Array:
    """Give ``values`` [B, M, ...] at ``order`` [B, N]."""
    return jnp.take_along_axis(values, order.reshape(*order.shape, *[1] * (values.ndim - 2)), axis=1)
