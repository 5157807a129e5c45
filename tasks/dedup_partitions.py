"""Deduplication by partitions: shards of ``qa_pairs`` -> one shard of survivors and one of duplicates a partition.

Each shard is divided by the hash of its rows' keys into a spill file; when all are, each partition reads its part of
every file. Rows wait on disk, so memory holds a partition a worker whatever the size of the whole (one key's rows
come together, so a very frequent key makes a large partition). Spill files are named by content and receipts stand
for finished partitions: a job that was killed goes on.
"""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import apache_beam as beam
from apache_beam.pvalue import AsList, PBegin, PCollection

from qamat_core.dedup.changes import Deduplicated, Earlier, deduplicate
from qamat_core.dedup.partitions import frame_of, read_partition, write_spill
from qamat_core.dedup.survivors import Rule, rows_of
from qamat_core.store.shards import Shard, read_shard
from schemas.artifacts import TableKind
from schemas.resources import Resources
from schemas.tables import DUPLICATES, QA_PAIRS
from tasks.beam import Counted, unfinished, write_result
from tasks.runner import run_pipeline, working, write_atomically

OUTPUTS: tuple[TableKind, ...] = ("qa_pairs", "duplicates")


@dataclass(frozen=True)
class EarlierRun:
    """What an earlier run of a rule read, and its outputs by partition."""

    shards: Sequence[Shard]
    survivors: Sequence[Path]
    duplicates: Sequence[Path]


@dataclass(frozen=True)
class Stage:
    """One rule over all shards: partition p leaves the receipt ``offset`` + p in ``work``."""

    rule: Rule
    shards: Sequence[Shard]
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
        with working(stage.work):
            write_spill(read_shard(path), stage.rule.keys, stage.partitions, spill)
    return sha256


def _dedup_and_write(index: int, stage: Stage, spilled: Sequence[str]) -> int:
    """Deduplicate one partition. ``spilled`` makes sure that all shards are divided before."""
    del spilled
    with working(stage.work):
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
