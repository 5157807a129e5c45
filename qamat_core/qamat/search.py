"""Exact search in a frozen memory that is divided over the devices of the mesh (paper section 4.2).

Every device scores its own keys block by block and keeps its best; the candidates of all devices are merged (as in
mentionmemory and TPU-KNN). What may not be retrieved is masked before the selection, so it takes no slot.
"""

from functools import partial
from typing import Any, Final, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from jaxtyping import Array, Float, Int

from qamat_core.qamat.retriever import NEGATIVE, Retrieved
from qamat_core.training.partitioning import AXES
from schemas.errors import ConfigError

BLOCK: Final = 1 << 16
"""At most so many keys of a device are scored at a time."""
_FETCHED: Final = (jnp.float32, jnp.float32, jnp.int32)


class FrozenMemory(NamedTuple):
    """The global memory as arrays: keys and values encoded once, value tokens for the discrete part.

    An entry whose value tokens are all padding is none: it fills up the last device's part.
    """

    keys: Float[Array | np.ndarray, "M D"]
    values: Float[Array | np.ndarray, "M D"]
    value_tokens: Int[Array | np.ndarray, "M V"]
    """The smallest unsigned type that the tokenizer's ids fit in."""


class Searched(NamedTuple):
    """What a search found."""

    found: Retrieved
    best: Int[Array, "B S"]
    """The best entry of each query alone."""
    log_total: Float[Array, "B S"]
    """log of the sum of exp(score) over all entries that may be retrieved; carries gradient to the queries."""


def place_memory(memory: FrozenMemory, mesh: Mesh) -> FrozenMemory:
    """Divide a memory over all devices of the mesh; of a mapped one each reads its own rows."""
    rows = memory_shape(len(memory.keys), mesh.size)
    divided = NamedSharding(mesh, PartitionSpec(AXES))

    def put(part: Array | np.ndarray) -> Array:
        def own(index: Any) -> Array | np.ndarray:
            start, stop, _ = index[0].indices(rows)
            found = part[start:stop]
            return _padded(found, stop - start - len(found))

        return jax.make_array_from_callback((rows, part.shape[1]), divided, own)

    return FrozenMemory(*map(put, memory))


def memory_shape(entries: int, devices: int) -> int:
    """Return the rows of a memory that is divided over so many devices: each has equally many, in equal blocks."""
    return entries + -entries % (devices * _blocks(entries, devices))


def search(queries: Float[Array, "B S D"], memory: FrozenMemory, banned: Int[Array, "B R"], k: int) -> Searched:
    """Search all keys for the best K of each example: the union of what its S queries retrieve, in score order.

    Args:
        queries: of B examples, one a mask.
        memory: divided over the mesh, or whole on one device.
        banned: rows that an example must not retrieve; -1 bans nothing.
        k: entries wanted.

    Raises:
        ConfigError: the memory has fewer than K entries.
    """
    if k > len(memory.keys):
        raise ConfigError(f"top_k is {k}, the memory has {len(memory.keys)} entries: lower top_k")
    shards = _shards()
    local = partial(_search_shard, k=min(k, len(memory.keys) // shards), blocks=_blocks(len(memory.keys), shards))
    if shards > 1:
        on_all, divided = PartitionSpec(), PartitionSpec(AXES)
        apart = PartitionSpec(None, AXES), PartitionSpec(None, None, AXES)
        local = jax.shard_map(
            local,
            in_specs=(on_all, divided, divided, on_all, divided),
            out_specs=(apart[0], apart[0], apart[1], apart[1], apart[1]),
        )
    starts = jnp.arange(shards, dtype=jnp.int32) * (len(memory.keys) // shards)
    arrays = jnp.asarray(memory.keys), jnp.asarray(memory.value_tokens[:, 0])
    scores, rows, tops, top_rows, totals = local(queries, *arrays, banned, starts)
    best, places = jax.lax.top_k(scores, k)
    return Searched(
        Retrieved(jnp.take_along_axis(rows, places, axis=1), best),
        jnp.take_along_axis(top_rows, jnp.argmax(tops, axis=-1, keepdims=True), axis=-1)[..., 0],
        jax.nn.logsumexp(totals, axis=-1),
    )


class Fetched(NamedTuple):
    """Entries of a memory, by their rows; vectors in float32, tokens in int32."""

    keys: Float[Array, "B K D"]
    values: Float[Array, "B K D"]
    value_tokens: Int[Array, "B K V"]


def fetch(memory: FrozenMemory, rows: Int[Array, "B K"]) -> Fetched:
    """Return the entries of rows, from the devices that have them."""
    shards = _shards()
    if shards == 1:
        return Fetched(*(jnp.asarray(part)[rows].astype(dtype) for part, dtype in zip(memory, _FETCHED, strict=True)))
    divided, on_all = PartitionSpec(AXES), PartitionSpec()
    starts = jnp.arange(shards, dtype=jnp.int32) * (len(memory.keys) // shards)
    gather = jax.shard_map(_fetch_shard, in_specs=(divided, on_all, divided), out_specs=on_all)
    return gather(memory, rows, starts)


def _shards() -> int:
    mesh = jax.sharding.get_abstract_mesh()
    return mesh.size if mesh.axis_names == AXES else 1


def _blocks(entries: int, shards: int) -> int:
    return max(1, -(-entries // (shards * BLOCK)))


def _padded(part: Array | np.ndarray, spare: int) -> Array | np.ndarray:
    return np.pad(part, ((0, spare), (0, 0))) if spare else part


def _search_shard(
    queries: Float[Array, "B S D"],
    keys: Float[Array, "N D"],
    first_tokens: Int[Array, " N"],
    banned: Int[Array, "B R"],
    start: Int[Array, "1"],
    *,
    k: int,
    blocks: int,
) -> tuple[Array, Array, Array, Array, Array]:
    """Search one device's keys: the best K with their rows, each query's best with its row, and the log total."""
    size = len(keys) // blocks

    def look(carry: tuple[Array, Array, Array, Array, Array], number: Array) -> tuple[tuple[Array, ...], None]:
        first = number * size
        part = jax.lax.dynamic_slice_in_dim(keys, first, size)
        real = jax.lax.dynamic_slice_in_dim(first_tokens, first, size) != 0
        scores = jnp.einsum("bsd,nd->bsn", queries.astype(part.dtype), part, preferred_element_type=jnp.float32)
        scores += jnp.where(real, 0.0, NEGATIVE) + _ban(banned - start[0] - first, size)[:, None]
        return _merge(carry, scores, start[0] + first, k), None

    shape = queries.shape[:2]
    empty = (
        jnp.full((shape[0], k), -jnp.inf),
        jnp.full((shape[0], k), -1, jnp.int32),
        jnp.full(shape, -jnp.inf),
        jnp.full(shape, -1, jnp.int32),
        jnp.full(shape, -jnp.inf),
    )
    if blocks == 1:
        found = look(empty, jnp.int32(0))[0]
    else:
        empty = jax.tree.map(lambda leaf: leaf + 0 * start.astype(leaf.dtype), empty)  # one for each device
        found, _ = jax.lax.scan(jax.checkpoint(look), empty, jnp.arange(blocks, dtype=jnp.int32))
    scores, rows, tops, top_rows, totals = found
    return scores, rows, tops[..., None], top_rows[..., None], totals[..., None]


def _merge(
    carry: tuple[Array, Array, Array, Array, Array], scores: Float[Array, "B S N"], first: Array, k: int
) -> tuple[Array, ...]:
    """Merge the scores of a block, whose first row is ``first``, into what was found before."""
    best, rows, tops, top_rows, totals = carry
    fixed = jax.lax.stop_gradient(scores)
    here, places = jax.lax.top_k(fixed.max(axis=1), min(k, scores.shape[-1]))
    best, places = jax.lax.top_k(jnp.concatenate([best, here], axis=1), k), places.astype(jnp.int32) + first
    rows = jnp.take_along_axis(jnp.concatenate([rows, places], axis=1), best[1], axis=1)
    top = jnp.argmax(fixed, axis=-1).astype(jnp.int32)
    score = fixed.max(axis=-1)
    top_rows = jnp.where(score > tops, top + first, top_rows)
    return best[0], rows, jnp.maximum(tops, score), top_rows, jnp.logaddexp(totals, jax.nn.logsumexp(scores, axis=-1))


def _ban(banned: Int[Array, "B R"], size: int) -> Float[Array, "B N"]:
    """Return what puts the banned rows of a block of ``size`` out of reach."""
    inside = jnp.where((banned >= 0) & (banned < size), banned, size)
    return jnp.zeros((len(banned), size + 1)).at[jnp.arange(len(banned))[:, None], inside].set(NEGATIVE)[:, :-1]


def _fetch_shard(memory: FrozenMemory, rows: Int[Array, "B K"], start: Int[Array, "1"]) -> Fetched:
    """Return the rows that this device has, summed with the zeros of the others."""
    own = rows - start[0]
    here = (own >= 0) & (own < len(memory.keys))

    def pick(part: Array, dtype: Any) -> Array:
        picked = jnp.asarray(part)[jnp.where(here, own, 0)].astype(dtype)
        return jax.lax.psum(jnp.where(here[..., None], picked, 0), AXES)

    return Fetched(*(pick(jnp.asarray(part), dtype) for part, dtype in zip(memory, _FETCHED, strict=True)))
