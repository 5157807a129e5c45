"""What changed between two versions of a memory, by their shards: one that both have is not read."""

from collections.abc import Sequence
from itertools import accumulate
from typing import Final

import numpy as np
import polars as pl

from qamat_core.indexes.splice import Splice
from qamat_core.store.shards import Shard, read_shard

_ENCODED: Final = ["qa_id", "question", "answer"]
"""An entry that has none of these changed is encoded as it was."""


def find_changes(older: Sequence[Shard], newer: Sequence[Shard]) -> Splice:
    """Return where the rows of the newer version come from: the older one, or the tail of new and changed entries.

    Ids are distinct within a version. What is held in memory is of the order of the changed shards.
    """
    firsts = dict(zip((shard.sha256 for shard in older), _firsts(older), strict=True))
    same = {shard.sha256 for shard in newer} & firsts.keys()
    changed = [
        _rows(shard).with_columns(row=firsts[shard.sha256] + pl.int_range(pl.len()))
        for shard in older
        if shard.sha256 not in same
    ]
    known = pl.concat(changed) if changed else None
    sources = [
        np.arange(shard.rows) + firsts[shard.sha256] if shard.sha256 in same else _found(_rows(shard), known)
        for shard in newer
    ]
    return Splice.of(np.concatenate([np.zeros(0, np.int64), *sources]), sum(shard.rows for shard in older))


def _firsts(shards: Sequence[Shard]) -> list[int]:
    return list(accumulate((shard.rows for shard in shards), initial=0))[:-1]


def _rows(shard: Shard) -> pl.DataFrame:
    frame = pl.from_arrow(read_shard(shard.path, _ENCODED))
    assert isinstance(frame, pl.DataFrame)
    return frame


def _found(rows: pl.DataFrame, known: pl.DataFrame | None) -> np.ndarray:
    """Return the older row of every row, -1 where there is none."""
    if known is None:
        return np.full(len(rows), -1)
    joined = rows.join(known, on=_ENCODED, how="left", maintain_order="left")
    return joined["row"].fill_null(-1).to_numpy()
