"""Sets of passages by source and source id: 8 bytes a passage, so that tens of millions fit in memory.

A passage is known by a 64-bit hash; that any two of 20 million passages share one has a chance of 1 in 90,000.
"""

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from qamat_core.store.shards import read_shard

PassageSet = npt.NDArray[np.uint64]
"""The hashes of distinct passages, sorted, [passages]."""

_MERGE_ROWS = 1 << 24


def hashes(table: pa.Table) -> PassageSet:
    """Return the hash of every row's ``source`` and ``source_id``, [rows]."""
    columns = (table.column(name).to_pylist() for name in ("source", "source_id"))
    found = [_hash(source, source_id) for source, source_id in zip(*columns, strict=True)]
    return np.frombuffer(b"".join(found), dtype=np.uint64)


def passages_in(shards: Sequence[Path]) -> PassageSet:
    """Return the passages that shards of ``passages`` or ``pair_spans`` name."""
    return union(np.unique(hashes(read_shard(path, ["source", "source_id"]))) for path in shards)


def union(sets: Iterable[PassageSet]) -> PassageSet:
    """Return the passages of any of the sets; merges some at a time."""
    waiting, rows = [np.empty(0, np.uint64)], 0
    for part in sets:
        waiting.append(part)
        rows += len(part)
        if rows >= _MERGE_ROWS:
            waiting, rows = [np.unique(np.concatenate(waiting))], 0
    return np.unique(np.concatenate(waiting))


def held(passages: pa.Table, known: PassageSet) -> npt.NDArray[np.bool_]:
    """Say of every row of ``passages`` whether it is in the set, [rows]; searches, for the set may be much larger."""
    wanted = hashes(passages)
    places = np.searchsorted(known, wanted)
    inside = places < len(known)
    inside[inside] = known[places[inside]] == wanted[inside]
    return inside


def _hash(source: str, source_id: str) -> bytes:
    return hashlib.blake2b(b"\xff".join((source.encode(), source_id.encode())), digest_size=8).digest()
