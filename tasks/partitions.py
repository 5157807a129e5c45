"""How rows of all shards meet that share a key, with flat memory: cut, then gathered.

First some shards at a time are cut into one Arrow file, whose batch number p holds the rows of partition p; then each
partition is gathered from all cuts and processed. Rows keep the order of the shards. A partition leaves a receipt, a
killed job goes on with those that have none.
"""

import hashlib
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from qamat_core.store.shards import read_shard
from schemas.artifacts import TableKind
from schemas.resources import Resources
from tasks.beam import Process, Receipt, read_receipts, unfinished, write_result
from tasks.runner import run_pipeline, working

CUT_ROWS = 65536
"""About so many rows are cut at a time."""

Keys = Callable[[pa.Table], Sequence[str]]


@dataclass(frozen=True)
class Meeting:
    """Tables by label, the key of their rows, and what is done with the rows of one partition.

    Receipts and output shards are numbered from ``first``, so that several meetings can share a work directory.
    """

    shards: Mapping[str, Sequence[Path]]
    keys: Mapping[str, Keys]
    partitions: int
    process: Process
    outputs: Sequence[TableKind]
    first: int = 0


@dataclass(frozen=True)
class _Cut:
    """Some shards of a table, and the file that they are cut into."""

    label: str
    shards: Sequence[Path]
    target: Path


def run_meeting(meeting: Meeting, work: Path, resources: Resources) -> list[Receipt]:
    """Process every partition; return its receipts in order."""
    indexes = range(meeting.first, meeting.first + meeting.partitions)
    if waiting := unfinished(work, indexes):
        directory = work / f"cuts-{meeting.first}"
        directory.mkdir(exist_ok=True)
        cuts = [cut for label in meeting.shards for cut in _plan(meeting, label, directory)]
        _run_each("Cut", [cut for cut in cuts if not cut.target.exists()], _Cutter(meeting, work), work, resources)
        _run_each("Gather", waiting, _Gatherer(meeting, cuts, work), work, resources)
        shutil.rmtree(directory)
    return read_receipts(work, indexes)


def _plan(meeting: Meeting, label: str, directory: Path) -> Iterator[_Cut]:
    """Divide a table's shards into groups of about ``CUT_ROWS`` rows."""
    group: list[Path] = []
    rows = number = 0
    for path in meeting.shards[label]:
        group.append(path)
        rows += pq.read_metadata(path).num_rows
        if rows >= CUT_ROWS:
            yield _Cut(label, group, directory / f"{label}-{number:05d}.arrow")
            group, rows, number = [], 0, number + 1
    if group:
        yield _Cut(label, group, directory / f"{label}-{number:05d}.arrow")


def _run_each(
    name: str, elements: Sequence[object], call: Callable[..., object], work: Path, resources: Resources
) -> None:
    if elements:
        run_pipeline(
            lambda root: root | f"{name}Elements" >> beam.Create(elements) | beam.Reshuffle() | name >> beam.Map(call),
            work,
            resources,
        )


@dataclass(frozen=True)
class _Cutter:
    meeting: Meeting
    work: Path

    def __call__(self, cut: _Cut) -> str:
        with working(self.work):
            rows = pa.concat_tables([read_shard(path) for path in cut.shards])
            write_cut(rows, self.meeting.keys[cut.label](rows), self.meeting.partitions, cut.target)
        return cut.target.name


@dataclass(frozen=True)
class _Gatherer:
    meeting: Meeting
    cuts: Sequence[_Cut]
    work: Path

    def __call__(self, index: int) -> int:
        partition = index - self.meeting.first
        with working(self.work):
            tables = {
                label: read_cuts([cut.target for cut in self.cuts if cut.label == label], partition)
                for label in self.meeting.shards
            }
            write_result(self.work, index, self.meeting.process(tables), self.meeting.outputs)
        return index


def partition_of(key: str, partitions: int) -> int:
    """Return the partition of a key, the same on every machine."""
    digest = hashlib.blake2b(key.encode(), digest_size=8).digest()
    return int.from_bytes(digest) % partitions


def write_cut(rows: pa.Table, keys: Sequence[str], partitions: int, target: Path) -> None:
    """Write rows as one Arrow file with a batch a partition, atomically."""
    numbers = np.fromiter((partition_of(key, partitions) for key in keys), np.int64, len(keys))
    order = np.argsort(numbers, kind="stable")
    ends = np.searchsorted(numbers[order], np.arange(partitions + 1))
    batches = rows.take(order).combine_chunks().to_batches() or [pa.RecordBatch.from_pylist([], schema=rows.schema)]
    temporary = target.with_name(f".{uuid4().hex}.tmp")
    with pa.ipc.new_file(temporary, rows.schema) as writer:
        for start, end in zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True):
            writer.write_batch(batches[0].slice(start, end - start))
    temporary.replace(target)


def read_cuts(paths: Sequence[Path], partition: int) -> pa.Table:
    """Return the rows of a partition from all cuts of a table, in the order of the shards."""
    return pa.Table.from_batches([pa.ipc.open_file(pa.memory_map(str(path))).get_batch(partition) for path in paths])
