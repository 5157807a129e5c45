"""Exact search on the devices of the mesh: each looks through its own keys, the candidates of all are merged.

A device multiplies a block of keys at a time and keeps the maxima of small chunks of rows only. The chunks with the
greatest maxima hold the best rows; those are scored again, now with what is banned masked, and sorted. Scores are
never stored, so memory stays flat; keys of float32, bfloat16 and int8 are cast block by block. On a CPU the keys are
used where they lie: mapped from a file, without a copy.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Final, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from jaxtyping import Array, Bool, Float, Int

from qamat_core.indexes.protocol import Found
from qamat_core.indexes.selection import best_rows
from qamat_core.training.mesh import current_mesh
from qamat_core.training.partitioning import AXES

BLOCK: Final = 1 << 11
"""Keys that are scored at a time: block and scores fit a CPU's second cache, where its products are fastest."""
BLOCKS: Final = 128
"""At most so many blocks are scored before their best chunks are looked at."""
CHUNK: Final = 8
"""Rows whose maximum is kept."""
BATCHES: Final = (1, 4, 16, 64, 256)
"""Numbers of queries, and of banned rows each, that programs are compiled for."""
_BFLOAT16_BITS: Final = np.uint16
"""How bfloat16 keys lie on devices: of bfloat16 itself, XLA's CPU compiler converts the whole array at once."""
_RESCORED: Final = 16
"""Queries whose chosen chunks are in memory at once."""


class _Shards(NamedTuple):
    """The keys as they lie on the devices. Shards have equally many rows: the last ones overlap those before."""

    keys: Array
    scales: Array
    starts: Array
    """The memory row of each shard's first row."""


@dataclass(frozen=True, eq=False)
class DeviceIndex:
    """All keys, on the devices of a mesh; made by ``place_keys``."""

    mesh: Mesh
    entries: int
    shards: _Shards
    allowed: Array
    """Of every row on the devices, whether it may be retrieved there."""
    removed: Int[np.ndarray, " X"]
    recall_target: float | None = None

    def __len__(self) -> int:
        return self.entries

    def search(self, queries: Float[np.ndarray, "N D"], k: int, banned: Int[np.ndarray, "N R"] | None = None) -> Found:
        """Return the best K entries of each query; equal scores in the order of their rows."""
        if banned is None or not (banned >= 0).any():
            banned = np.zeros((len(queries), 0), np.int32)
        parts = [
            self._batch(queries[start : start + BATCHES[-1]], k, banned[start : start + BATCHES[-1]])
            for start in range(0, len(queries), BATCHES[-1])
        ]
        nothing = Found(np.zeros((0, k), np.int32), np.zeros((0, k), np.float32))
        return Found(*map(np.concatenate, zip(nothing, *parts, strict=True)))

    def without(self, rows: Int[np.ndarray, " X"]) -> "DeviceIndex":
        """Return the index as if these rows had never been; the keys are shared."""
        removed = np.union1d(self.removed, rows)
        return replace(self, removed=removed, allowed=_allowed(self.mesh, self.entries, removed))

    def _batch(self, queries: Float[np.ndarray, "N D"], k: int, banned: Int[np.ndarray, "N R"]) -> Found:
        count, limit = len(queries), min(k, self.entries)
        if not limit:
            return Found(np.full((count, k), -1, np.int32), np.full((count, k), -np.inf, np.float32))
        spare = _padded(count) - count
        queries = np.pad(queries.astype(np.float32), ((0, spare), (0, 0)))
        bans = _padded(banned.shape[1]) - banned.shape[1]
        banned = np.pad(banned.astype(np.int32), ((0, spare), (0, bans)), constant_values=-1)
        found = program(self.mesh, limit, self.recall_target)(self.shards, self.allowed, queries, banned)
        rows, scores = (np.asarray(part.addressable_data(0)) for part in found)
        beyond = ((0, 0), (0, k - limit))
        return Found(
            np.pad(rows[:count], beyond, constant_values=-1), np.pad(scores[:count], beyond, constant_values=-np.inf)
        )


def place_keys(
    keys: np.ndarray, scales: Float[np.ndarray, " M"] | None = None, recall_target: float | None = None
) -> DeviceIndex:
    """Divide keys over all devices of the current mesh; of mapped ones each device reads its own rows.

    Args:
        keys: [M, D] float32, bfloat16, or int8.
        scales: what the int8 keys are multiplied by.
        recall_target: of an approximate selection (``jax.lax.approx_max_k``), fast on a TPU; None for exact search.
    """
    mesh, entries = current_mesh(), len(keys)
    keys = keys.view(_BFLOAT16_BITS) if keys.dtype == jnp.bfloat16 else keys
    starts = _starts(entries, mesh.size)
    size = _size(entries, mesh.size)
    if scales is None:
        scales = np.ones(1, np.float32)
        shares = [scales] * mesh.size
    else:
        shares = [scales[start : start + size] for start in starts]
    placed = _Shards(
        _place(mesh, [keys[start : start + size] for start in starts]),
        _place(mesh, shares),
        _place(mesh, [np.array([start], np.int32) for start in starts]),
    )
    nothing = np.zeros(0, np.int64)
    return DeviceIndex(mesh, entries, placed, _allowed(mesh, entries, nothing), nothing, recall_target)


def _size(entries: int, shards: int) -> int:
    return -(-entries // shards)


def _starts(entries: int, shards: int) -> list[int]:
    size = _size(entries, shards)
    return [min(shard * size, entries - size) for shard in range(shards)]


def _allowed(mesh: Mesh, entries: int, removed: Int[np.ndarray, " X"]) -> Array:
    """Return which rows of each shard may be retrieved: not what was removed, nor what an earlier shard has too."""
    kept, size = np.ones(entries, bool), _size(entries, mesh.size)
    kept[removed] = False
    parts: list[np.ndarray] = []
    for shard, start in enumerate(_starts(entries, mesh.size)):
        parts.append(kept[start : start + size] & (np.arange(start, start + size) >= shard * size))
    return _place(mesh, parts)


def _place(mesh: Mesh, parts: Sequence[np.ndarray]) -> Array:
    """Put a part on each device, without a copy where that is possible."""
    sharding = NamedSharding(mesh, PartitionSpec(AXES))
    shape = (len(parts) * len(parts[0]), *parts[0].shape[1:])
    own = [
        jax.device_put(parts[(index[0].start or 0) // max(len(parts[0]), 1)], device, may_alias=True)
        for device, index in sharding.addressable_devices_indices_map(shape).items()
    ]
    return jax.make_array_from_single_device_arrays(shape, sharding, own)


def _padded(count: int) -> int:
    """Return the next number that programs are compiled for."""
    return next((size for size in (0, *BATCHES) if size >= count), count + -count % BATCHES[-1])


@cache
def program(mesh: Mesh, k: int, recall_target: float | None) -> Callable[..., tuple[Array, Array]]:
    """Return the compiled search for the best K of a batch, K at most the memory's entries."""
    divided, everywhere = PartitionSpec(AXES), PartitionSpec()
    local = jax.shard_map(
        partial(_search_shard, k=k, recall_target=recall_target),
        mesh=mesh,
        in_specs=(divided, divided, everywhere, everywhere),
        out_specs=PartitionSpec(None, AXES),
        check_vma=False,
    )

    def search(shards: _Shards, allowed: Array, queries: Array, banned: Array) -> tuple[Array, Array]:
        scores, rows = local(shards, allowed, queries, banned)
        best, places = jax.lax.top_k(scores, k)
        return jnp.where(best > -jnp.inf, jnp.take_along_axis(rows, places, axis=1), -1), best

    return jax.jit(search, out_shardings=NamedSharding(mesh, everywhere))


def _search_shard(
    shards: _Shards,
    allowed: Bool[Array, " S"],
    queries: Float[Array, "N D"],
    banned: Int[Array, "N R"],
    *,
    k: int,
    recall_target: float | None,
) -> tuple[Float[Array, "N K"], Int[Array, "N K"]]:
    """Return the best K of one device's S keys, and their rows in the memory."""
    size, number = len(shards.keys), len(queries)
    block = min(BLOCK, size)
    blocks = -(-size // block)
    together = -(-blocks // -(-blocks // BLOCKS))
    start, banned = shards.starts[0], banned - shards.starts[0]
    most = min(k + banned.shape[1], together * -(-block // CHUNK))

    def look(best: tuple[Array, Array], first: Array) -> tuple[tuple[Array, Array], None]:
        maxima = jax.lax.map(
            partial(_maxima, shards, allowed, queries, block), first + jnp.arange(together, dtype=jnp.int32)
        ).reshape(-1, number)
        if recall_target is None:
            chosen = best_rows(maxima, most)
        else:
            chosen = jax.lax.approx_max_k(maxima.T, most, recall_target=recall_target)[1]
        chosen = jnp.sort(chosen, axis=1) + first * -(-block // CHUNK)
        scores, rows = jax.lax.map(
            partial(_rescore, shards, allowed, block), (queries, chosen, banned), batch_size=min(_RESCORED, number)
        )
        scores, places = jax.lax.top_k(jnp.concatenate([best[0], scores], axis=1), k)
        return (scores, jnp.take_along_axis(jnp.concatenate([best[1], rows + start], axis=1), places, axis=1)), None

    empty = jnp.full((number, k), -jnp.inf), jnp.full((number, k), -1, jnp.int32)
    return jax.lax.scan(look, empty, jnp.arange(0, blocks, together, dtype=jnp.int32))[0]


def _maxima(
    shards: _Shards, allowed: Bool[Array, " S"], queries: Float[Array, "N D"], block: int, number: Array
) -> Float[Array, "C N"]:
    """Return the greatest score of each chunk of a block; the last block overlaps the one before."""
    first = jnp.minimum(number * block, len(shards.keys) - block)
    part = _widened(jax.lax.dynamic_slice_in_dim(shards.keys, first, block))
    scores = jnp.matmul(part, queries.T, precision="highest")
    if len(shards.scales) == len(shards.keys):
        scores *= jax.lax.dynamic_slice_in_dim(shards.scales, first, block)[:, None]
    own = first + jnp.arange(block) >= number * block
    scores = jnp.where((own & jax.lax.dynamic_slice_in_dim(allowed, first, block))[:, None], scores, -jnp.inf)
    scores = jnp.pad(scores, ((0, -block % CHUNK), (0, 0)), constant_values=-jnp.inf)
    return scores.reshape(-1, CHUNK, len(queries)).max(axis=1)


def _rescore(
    shards: _Shards, allowed: Bool[Array, " S"], block: int, given: tuple[Array, Array, Array]
) -> tuple[Float[Array, " X"], Int[Array, " X"]]:
    """Return the scores of all rows in the chosen chunks of one query, and the rows, in their order."""
    query, chosen, banned = given
    size, chunks = len(shards.keys), -(-block // CHUNK)
    number = (chosen // chunks)[:, None]
    first = jnp.minimum(number * block, size - block)
    rows = first + (chosen % chunks)[:, None] * CHUNK + jnp.arange(CHUNK)
    real = ((rows >= number * block) & (rows < first + block)).reshape(-1)
    rows = jnp.minimum(rows, size - 1).reshape(-1)
    scores = jnp.matmul(_widened(shards.keys[rows]), query, precision="highest")
    if len(shards.scales) == size:
        scores *= shards.scales[rows]
    real &= allowed[rows] & (rows[:, None] != banned).all(axis=1)
    return jnp.where(real, scores, -jnp.inf), rows.astype(jnp.int32)


def _widened(keys: Array) -> Float[Array, "X D"]:
    bits = keys.dtype == _BFLOAT16_BITS
    return (jax.lax.bitcast_convert_type(keys, jnp.bfloat16) if bits else keys).astype(jnp.float32)
