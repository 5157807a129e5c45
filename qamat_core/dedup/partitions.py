"""Rows on their way to the partition of their key: one file a shard, one record batch a partition.

Rows wait on disk, not in memory, until all shards are divided: a partition then reads its batch of every file.
"""

from collections.abc import Callable, Iterable
from itertools import pairwise
from pathlib import Path
from uuid import uuid4

import numpy as np
import polars as pl
import pyarrow as pa

from qamat_core.dedup.keys import stable_hashes
from schemas.tables import QA_PAIRS

SPILLED = QA_PAIRS.append(pa.field("key", pa.string(), nullable=False))
"""``qa_pairs`` with the key of each."""

Keys = Callable[[pl.DataFrame], pl.Series]


def write_spill(pairs: pa.Table, keys: Keys, partitions: int, path: Path) -> None:
    """Write ``pairs`` with their keys to an Arrow file, atomically: batch p holds the rows of partition p."""
    key = keys(frame_of(pairs))
    keyed = pairs.select(QA_PAIRS.names).append_column("key", key.to_arrow().cast(pa.string())).cast(SPILLED)
    write_divided(keyed, key, partitions, path)


def write_divided(rows: pa.Table, key: pl.Series, partitions: int, path: Path) -> None:
    """Write rows to an Arrow file, atomically: batch p holds the rows of partition p, in their order.

    A row's partition is ``stable_hashes(key) % partitions``, so equal keys meet whatever file they come from.
    """
    numbers = (stable_hashes(key) % np.uint64(partitions)).astype(np.min_scalar_type(partitions))
    order = np.argsort(numbers, kind="stable")
    divided = rows.combine_chunks().take(pa.array(order)).combine_chunks()
    bounds = np.searchsorted(numbers[order], np.arange(partitions + 1, dtype=numbers.dtype))
    temporary = path.with_name(f".{uuid4().hex}.tmp")
    with pa.ipc.new_file(temporary, rows.schema) as writer:
        for start, end in pairwise(bounds.tolist()):
            writer.write_batch(_batch(divided.slice(start, end - start)))
    temporary.replace(path)


def read_partition(paths: Iterable[Path], partition: int, schema: pa.Schema = SPILLED) -> pl.DataFrame:
    """Return the rows of one partition from all files, in the files' order."""
    batches = [pa.ipc.open_file(pa.memory_map(str(path))).get_batch(partition) for path in paths]
    return frame_of(pa.Table.from_batches(batches, schema))


def frame_of(table: pa.Table) -> pl.DataFrame:
    """Return an Arrow table as a frame."""
    frame = pl.from_arrow(table, rechunk=True)
    assert isinstance(frame, pl.DataFrame)
    return frame


def _batch(rows: pa.Table) -> pa.RecordBatch:
    batches = rows.to_batches()
    return batches[0] if batches else pa.RecordBatch.from_pylist([], rows.schema)
