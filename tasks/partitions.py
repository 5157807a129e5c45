<<<<<<< HEAD
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
from tasks.runner import noting_faults, run_pipeline

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
        with noting_faults(self.work):
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
        with noting_faults(self.work):
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
=======
"""Deduplication by partitions: shards of ``qa_pairs`` -> one shard of survivors and one of duplicates a partition.

Each shard is divided by the hash of its rows' keys into a spill file; when all are, each partition reads its part of
every file. Rows wait on disk, so memory holds a partition a worker whatever the size of the whole (one key's rows
come together, so a very frequent key makes a large partition). Spill files are named by content and receipts stand
for finished partitions: a job that was killed goes on.
"""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import apache_beam as beam
from apache_beam.pvalue import AsList, PBegin, PCollection

from qamat_core.dedup.changes import Deduplicated, Earlier, deduplicate
from qamat_core.dedup.partitions import frame_of, read_partition, write_spill
from qamat_core.dedup.survivors import Rule, rows_of
from qamat_core.store.shards import read_shard
from schemas.artifacts import TableKind
from schemas.resources import Resources
from schemas.tables import DUPLICATES, QA_PAIRS
from tasks.beam import Counted, unfinished, write_result
from tasks.runner import noting_faults, run_pipeline, write_atomically

OUTPUTS: tuple[TableKind, ...] = ("qa_pairs", "duplicates")


@dataclass(frozen=True)
class PairShard:
    """A shard of ``qa_pairs``: where it lies, what it holds (SHA-256), how many rows."""

    path: Path = field(compare=False)
    sha256: str
    rows: int


@dataclass(frozen=True)
class EarlierRun:
    """What an earlier run of a rule read, and its outputs by partition."""

    shards: Sequence[PairShard]
    survivors: Sequence[Path]
    duplicates: Sequence[Path]


@dataclass(frozen=True)
class Stage:
    """One rule over all shards: partition p leaves the receipt ``offset`` + p in ``work``."""

    rule: Rule
    shards: Sequence[PairShard]
    partitions: int
    offset: int
    work: Path
    earlier: EarlierRun | None = None

    @property
    def indexes(self) -> range:
        """The numbers of the receipts."""
        return range(self.offset, self.offset + self.partitions)

    def run(self, resources: Resources) -> None:
        """Leave a receipt for every partition."""
        if unfinished(self.work, self.indexes):
            (self.work / self.rule.name).mkdir(exist_ok=True)
            run_pipeline(lambda root: root | "DedupPartitions" >> DedupPartitions(self), self.work, resources)

    def keys(self) -> dict[str, int]:
        """Return how many keys there are, and how many of them were deduplicated anew."""
        counts = [json.loads(_counts(self, index).read_text()) for index in self.indexes]
        return {name: sum(count[name] for count in counts) for name in ("keys", "keys_touched")}


class DedupPartitions(beam.PTransform[PBegin, PCollection[int]]):
    """Divides shards by key, then keeps the survivors of each partition and writes them with a receipt."""

    def __init__(self, stage: Stage) -> None:
        super().__init__()
        self._stage = stage

    def expand(self, input_or_inputs: PBegin) -> PCollection[int]:
        """Apply to the root of a pipeline; the output is the index of each partition's receipt."""
        stage = self._stage
        earlier = stage.earlier.shards if stage.earlier else ()
        spilled = (
            input_or_inputs
            | "Shards" >> beam.Create(sorted({shard.sha256: shard.path for shard in [*earlier, *stage.shards]}.items()))
            | "SpreadShards" >> beam.Reshuffle()
            | "DivideByKey" >> beam.Map(_divide, stage)
        )
        return (  # pyright: ignore[reportReturnType]
            input_or_inputs
            | "Partitions" >> beam.Create(unfinished(stage.work, stage.indexes))
            | "SpreadPartitions" >> beam.Reshuffle()
            | "DedupAndWrite" >> beam.Map(_dedup_and_write, stage, AsList(spilled))
        )


def _divide(shard: tuple[str, Path], stage: Stage) -> str:
    sha256, path = shard
    if not (spill := _spill(stage, sha256)).exists():
        with noting_faults(stage.work):
            write_spill(read_shard(path), stage.rule.keys, stage.partitions, spill)
    return sha256


def _dedup_and_write(index: int, stage: Stage, spilled: Sequence[str]) -> int:
    """Deduplicate one partition. ``spilled`` makes sure that all shards are divided before."""
    del spilled
    with noting_faults(stage.work):
        partition = index - stage.offset
        rows = read_partition([_spill(stage, shard.sha256) for shard in stage.shards], partition)
        found = deduplicate(stage.rule, rows, _earlier(stage, partition))
        write_atomically(_counts(stage, index), json.dumps({"keys": found.keys, "keys_touched": found.keys_touched}))
        write_result(stage.work, index, _counted(found, rows.height), OUTPUTS)
    return index


def _earlier(stage: Stage, partition: int) -> Earlier | None:
    """Return a partition as it was; a shard that was there then and is there now is not compared row by row."""
    if stage.earlier is None:
        return None
    now, then = Counter(stage.shards), Counter(stage.earlier.shards)
    came, gone = ([_spill(stage, shard.sha256) for shard in side.elements()] for side in (now - then, then - now))
    return Earlier(
        read_partition(came, partition),
        read_partition(gone, partition),
        frame_of(read_shard(stage.earlier.survivors[partition])),
        frame_of(read_shard(stage.earlier.duplicates[partition])),
    )


def _counted(found: Deduplicated, read: int) -> Counted:
    tables = {"qa_pairs": rows_of(found.survivors, QA_PAIRS), "duplicates": rows_of(found.duplicates, DUPLICATES)}
    return Counted(tables, read=read, kept=found.survivors.height, rejected=found.duplicates.height)


def _spill(stage: Stage, sha256: str) -> Path:
    return stage.work / stage.rule.name / f"{sha256}.arrow"


def _counts(stage: Stage, index: int) -> Path:
    return stage.work / f"keys-{index:05d}.json"
>>>>>>> dedup
