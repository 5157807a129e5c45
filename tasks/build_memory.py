"""Deduplication: answers, questions, verdicts (and imported qa_pairs) -> qa_pairs, duplicates.

First, shard by shard: the pairs that the filter kept, one an answer span. Then over all of them and the imported
ones: one a normalised question, by a shuffle of Arrow tables to partitions of questions. Imported pairs carry their
own scores; a score of 0 is above every log-probability, so what people wrote survives what was generated.
read = questions + imported pairs, rejected = refused by the filter + duplicates.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path

import apache_beam as beam
import pyarrow as pa
from apache_beam.pvalue import PBegin, PCollection

from qamat_core.dedup import kept_pairs, one_per_question, one_per_span, split_by_question
from qamat_core.store.shards import read_shard
from qamat_core.store.store import Job, Store, TableDraft
from schemas.artifacts import ArtifactRef, Name, TableKind
from schemas.corpus import MemoryConfig
from schemas.resources import Resources
from schemas.tables import QA_PAIRS
from tasks.beam import (
    Counted,
    Receipt,
    Shards,
    Tables,
    align,
    draft_of,
    read_receipts,
    run_shards,
    unfinished,
    write_result,
)
from tasks.runner import noting_faults, run_pipeline

OUTPUTS: tuple[TableKind, ...] = ("qa_pairs", "duplicates")


@dataclass(frozen=True)
class MemoryInputs:
    """The aligned tables of one generated corpus, and pairs from elsewhere."""

    answers: ArtifactRef
    questions: ArtifactRef
    verdicts: ArtifactRef
    imported: tuple[ArtifactRef, ...] = ()


@dataclass(frozen=True)
class MemoryRefs:
    """A memory and what fell to deduplication."""

    qa_pairs: ArtifactRef
    duplicates: ArtifactRef


def run(config: MemoryConfig, inputs: MemoryInputs, *, name: Name, resources: Resources) -> MemoryRefs:
    """Make the memory ``name`` of a generated corpus and imported pairs."""
    store = Store(resources.home)
    generated = {"answers": inputs.answers, "questions": inputs.questions, "verdicts": inputs.verdicts}
    imported = {f"imported-{number}": ref for number, ref in enumerate(inputs.imported)}
    job = Job(
        module=__name__,
        config=config,
        inputs=generated | imported,
        outputs={"qa_pairs": ("qa_pairs", name), "duplicates": ("duplicates", name)},
    )

    def build(work: Path) -> dict[str, TableDraft]:
        more = [path for ref in inputs.imported for path in store.open_shards(ref)]
        return build_memory(config, align(store, generated), more, work, resources)

    return MemoryRefs(**store.produce(job, build))


def build_memory(
    config: MemoryConfig, generated: Sequence[Shards], imported: Sequence[Path], work: Path, resources: Resources
) -> dict[str, TableDraft]:
    """Return drafts of ``qa_pairs`` and ``duplicates``.

    Receipts 0 to S-1 in ``work`` are those of the S generated shards, whose pairs are not part of the memory yet;
    the receipts from S on are those of the partitions.
    """
    run_shards(generated, lambda: _keep_one_per_span, OUTPUTS, work, resources)
    spans = read_receipts(work, range(len(generated)))
    candidates = [work / "qa_pairs" / receipt.shards["qa_pairs"].path for receipt in spans] + list(imported)
    rows = sum(receipt.kept for receipt in spans) + sum(read_shard(path, ["qa_id"]).num_rows for path in imported)
    partitions = max(1, ceil(rows / config.shard_rows))
    _dedup_questions(candidates, partitions, len(generated), work, resources)
    return _drafts(spans, read_receipts(work, range(len(generated), len(generated) + partitions)), work)


def _keep_one_per_span(tables: Tables) -> Counted:
    kept = kept_pairs(tables["answers"], tables["questions"], tables["verdicts"])
    survivors, duplicates = one_per_span(kept)
    read = tables["questions"].num_rows
    return _counted(survivors, duplicates, read)


def _keep_one_per_question(pairs: pa.Table) -> Counted:
    survivors, duplicates = one_per_question(pairs)
    return _counted(survivors, duplicates, pairs.num_rows)


def _counted(survivors: pa.Table, duplicates: pa.Table, read: int) -> Counted:
    tables = {"qa_pairs": survivors, "duplicates": duplicates}
    return Counted(tables, read=read, kept=survivors.num_rows, rejected=read - survivors.num_rows)


def _dedup_questions(
    candidates: Sequence[Path], partitions: int, offset: int, work: Path, resources: Resources
) -> None:
    """Leave a receipt numbered ``offset`` + p for every partition p."""
    indexes = range(offset, offset + partitions)
    if unfinished(work, indexes):
        run_pipeline(
            lambda root: root | "DedupQuestions" >> DedupQuestions(candidates, partitions, offset, work),
            work,
            resources,
        )
    for index in unfinished(work, indexes):
        write_result(work, index, _keep_one_per_question(QA_PAIRS.empty_table()), OUTPUTS)


def _drafts(spans: Sequence[Receipt], partitions: Sequence[Receipt], work: Path) -> dict[str, TableDraft]:
    pairs = draft_of("qa_pairs", partitions, work)
    read = pairs.read + sum(receipt.rejected for receipt in spans)
    fallen = draft_of("duplicates", [*spans, *partitions], work)
    return {
        "qa_pairs": TableDraft(pairs.directory, pairs.shards, read, pairs.kept, read - pairs.kept),
        "duplicates": TableDraft(fallen.directory, fallen.shards, read, pairs.kept, read - pairs.kept),
    }


class DedupQuestions(beam.PTransform[PBegin, PCollection[int]]):
    """Brings equal questions together, keeps one of them and writes a shard of pairs for every partition."""

    def __init__(self, candidates: Sequence[Path], partitions: int, offset: int, work: Path) -> None:
        super().__init__()
        self._candidates, self._partitions, self._offset, self._work = candidates, partitions, offset, work

    def expand(self, input_or_inputs: PBegin) -> PCollection[int]:
        """Apply to the root of a pipeline; the output is the index of each partition's receipt."""
        waiting = frozenset(unfinished(self._work, range(self._offset, self._offset + self._partitions)))
        return (  # pyright: ignore[reportReturnType]
            input_or_inputs
            | "Candidates" >> beam.Create(self._candidates)
            | "SpreadOverWorkers" >> beam.Reshuffle()
            | "SplitByQuestion" >> beam.FlatMap(_split, self._partitions, self._offset, waiting, self._work)
            | "MeetByQuestion" >> beam.GroupByKey()
            | "DedupAndWrite" >> beam.Map(_dedup_and_write, self._work)
        )


def _split(
    path: Path, partitions: int, offset: int, waiting: frozenset[int], work: Path
) -> Iterator[tuple[int, pa.Table]]:
    with noting_faults(work):
        parts = split_by_question(read_shard(path), partitions)
    for partition, rows in parts.items():
        if offset + partition in waiting:
            yield offset + partition, rows


def _dedup_and_write(element: tuple[int, Iterable[pa.Table]], work: Path) -> int:
    index, tables = element
    write_result(work, index, _keep_one_per_question(pa.concat_tables(tables)), OUTPUTS)
    return index
