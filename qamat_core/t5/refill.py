"""Greedy decoding of many rows through few slots: a row that has ended gives its slot to the next one.

Rows are encoded in groups of equally many as slots become free. What comes of a row depends on the number of slots
and the size of a group, but not on the other rows, its slot or when it gets it: all shapes are fixed, and a slot
reads nothing that another row wrote.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from qamat_core.t5.decoder import Cache, Source, empty_cache
from qamat_core.t5.decoding import Decoded, Params, call, lengths, most_probable
from qamat_core.t5.network import T5
from schemas.model import EOS_ID, PAD_ID


class _Slots(NamedTuple):
    row: jax.Array
    """[slots]: the row in each slot; a free one has the number of all rows."""
    position: jax.Array
    last: jax.Array
    source: Source
    cache: Cache


class _State(NamedTuple):
    loaded: jax.Array
    """So many rows, a multiple of the group, have or had a slot."""
    slots: _Slots
    tokens: jax.Array
    """[B + 1, T]: the last row takes what free slots write."""
    sum_logprob: jax.Array


def greedy_by_slots(
    model: T5, params: Params, tokens: jax.Array, count: jax.Array | int, max_length: int, *, slots: int, group: int
) -> Decoded:
    """Encode and decode the first ``count`` rows of ``tokens`` [B, L] as ``greedy`` does, ``slots`` at a time.

    ``group`` rows, at most ``slots``, are encoded together and get their slots together. Rows from ``count`` on cost
    nothing and come back as padding.
    """
    rows = tokens.shape[0]
    whole = jnp.pad(tokens, ((0, -rows % group), (0, 0)))
    bias = call(model, params, "self_bias", max_length)

    def read(chosen: jax.Array) -> Source:
        return call(model, params, "source", call(model, params, "encode", chosen), chosen)

    def fill(state: _State) -> _State:
        chosen = state.loaded + jnp.arange(group)
        source = read(jax.lax.dynamic_slice_in_dim(whole, state.loaded, group))
        numbers = jnp.where(chosen < count, chosen, rows)
        return state._replace(loaded=state.loaded + group, slots=_fill(state.slots, numbers, source, rows))

    def step(state: _State) -> _State:
        row, position, last, source, cache = state.slots
        logits, cache = call(model, params, "step", last[:, None], position, bias, source, cache)
        best, logprob = most_probable(logits[:, 0])
        ended = (best == EOS_ID) | (position + 1 == max_length)
        return state._replace(
            slots=_Slots(jnp.where(ended, rows, row), (position + 1) % max_length, best, source, cache),
            tokens=state.tokens.at[row, position].set(best),
            sum_logprob=state.sum_logprob.at[row].add(logprob),
        )

    def free(state: _State) -> jax.Array:
        return (state.slots.row == rows).sum()

    def fills(state: _State) -> jax.Array:
        return (state.loaded < count) & (free(state) >= group)

    def steps(state: _State) -> jax.Array:
        return (free(state) < slots) & ~fills(state)

    def advance(state: _State) -> _State:
        return jax.lax.while_loop(steps, step, jax.lax.while_loop(fills, fill, state))

    blank = jax.eval_shape(read, jax.ShapeDtypeStruct((slots, tokens.shape[1]), tokens.dtype))
    start = _State(
        jnp.int32(0),
        _Slots(
            jnp.full(slots, rows),
            jnp.zeros(slots, jnp.int32),
            jnp.full(slots, PAD_ID),
            jax.tree.map(lambda a: jnp.zeros(a.shape, a.dtype), blank),
            empty_cache(model.config, slots, 1, max_length),
        ),
        jnp.full((rows + 1, max_length), PAD_ID),
        jnp.zeros(rows + 1),
    )
    end = jax.lax.while_loop(lambda s: fills(s) | steps(s), advance, start)
    return Decoded(end.tokens[:rows], end.sum_logprob[:rows], lengths(end.tokens[:rows]))


def _fill(slots: _Slots, numbers: jax.Array, source: Source, free: int) -> _Slots:
    """Put rows of ``numbers`` [group], read as ``source``, into the first slots whose row is ``free``."""
    place = jnp.argsort(slots.row != free, stable=True)[: len(numbers)]
    return slots._replace(
        row=slots.row.at[place].set(numbers),
        position=slots.position.at[place].set(0),
        last=slots.last.at[place].set(PAD_ID),
        source=jax.tree.map(lambda old, new: old.at[place].set(new), slots.source, source),
        # Masked positions have no weight, but not even a NaN of the row before may stay.
        cache=jax.tree.map(lambda a: a.at[place].set(0), slots.cache),
    )
