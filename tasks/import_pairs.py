"""Import: files of question-answer pairs (and passages, if given) -> qa_pairs, pair_spans, duplicates, rejects.

Over all files: one pair an answer span, so that PAQ's paraphrases go (section 4.1: 65M pairs, 30M kept), then one a
normalised question; the highest score survives, then the smallest id. Where passages are given, pairs are joined to
them by source and source id. ``pair_spans`` has every span of every pair that was read, of duplicates too.
read = records of the files, rejected = rejects + duplicates.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path

import pyarrow as pa

from qamat_core.dedup.survivors import one_per_question
from qamat_core.imported_pairs import candidate_keys, passage_keys, settle_spans
from qamat_core.store.shards import FileEntry
from qamat_core.store.store import Job, Store, TableDraft
from qamat_core.text import normalize_question
from schemas.artifacts import ArtifactRef, Name
from schemas.corpus import ImportConfig, ImportSourcesConfig
from schemas.resources import Resources
from tasks.beam import Counted, Receipt, Tables
from tasks.intake import describe
from tasks.pairs_intake import Reading, take_in_pairs
from tasks.partitions import Meeting, run_meeting


@dataclass(frozen=True)
class ImportRefs:
    """An imported corpus: its pairs, where they came from, and what fell away."""

    qa_pairs: ArtifactRef
    pair_spans: ArtifactRef
    duplicates: ArtifactRef
    rejects: ArtifactRef


def run(
    config: ImportConfig, paths: Sequence[Path], passages: ArtifactRef | None, *, name: Name, resources: Resources
) -> ImportRefs:
    """Import files as ``name``; files with the same names and content are not read again.

    Raises:
        InputError: a file is missing, damaged, empty or of another format, or too much of it was rejected.
    """
    store = Store(resources.home)
    job = Job(
        module=__name__,
        config=ImportSourcesConfig(importing=config, files=describe(paths)),
        inputs={} if passages is None else {"passages": passages},
        outputs={
            "qa_pairs": ("qa_pairs", name),
            "pair_spans": ("pair_spans", name),
            "duplicates": ("duplicates", name),
            "rejects": ("rejects", f"{name}-pairs"),
        },
    )

    def build(work: Path) -> Mapping[str, TableDraft]:
        shards = None if passages is None else store.open_shards(passages)
        return import_files(config, paths, shards, work, resources)

    return ImportRefs(**store.produce(job, build))


def import_files(
    config: ImportConfig, paths: Sequence[Path], passages: Sequence[Path] | None, work: Path, resources: Resources
) -> dict[str, TableDraft]:
    """Return drafts of the four tables.

    Receipts 0 to P-1 in ``work`` are those of the P partitions of passages, whose pairs are not part of the corpus
    yet; the receipts from P on are those of the partitions of questions.
    """
    reading = take_in_pairs(config, paths, work)
    partitions = max(1, ceil((reading.read - reading.rejected) / config.shard_rows))
    given = {"candidates": [work / "candidates" / shard.path for shard in reading.candidates]}
    given |= {} if passages is None else {"passages": list(passages)}
    keys = {"candidates": candidate_keys, "passages": passage_keys}
    outputs = ("qa_pairs", "duplicates", "rejects")
    spans = run_meeting(Meeting(given, keys, partitions, _settle_spans, outputs), work, resources)
    settled = {"pairs": [work / "qa_pairs" / receipt.shards["qa_pairs"].path for receipt in spans]}
    questions = run_meeting(
        Meeting(settled, {"pairs": _question_keys}, partitions, _keep_one_per_question, outputs[:2], partitions),
        work,
        resources,
    )
    return _drafts(reading, spans, questions, work)


def _settle_spans(tables: Tables) -> Counted:
    pairs, duplicates, rejects = settle_spans(tables["candidates"], tables.get("passages"))
    outputs = {"qa_pairs": pairs, "duplicates": duplicates, "rejects": rejects}
    read = tables["candidates"].num_rows
    return Counted(outputs, read=read, kept=pairs.num_rows, rejected=read - pairs.num_rows)


def _question_keys(pairs: pa.Table) -> list[str]:
    return [normalize_question(question) for question in pairs.column("question").to_pylist()]


def _keep_one_per_question(tables: Tables) -> Counted:
    pairs, duplicates = one_per_question(tables["pairs"])
    read = tables["pairs"].num_rows
    return Counted(
        {"qa_pairs": pairs, "duplicates": duplicates}, read=read, kept=pairs.num_rows, rejected=read - pairs.num_rows
    )


def _drafts(
    reading: Reading, spans: Sequence[Receipt], questions: Sequence[Receipt], work: Path
) -> dict[str, TableDraft]:
    tables = {
        "qa_pairs": [receipt.shards["qa_pairs"] for receipt in questions],
        "pair_spans": list(reading.pair_spans),
        "duplicates": [receipt.shards["duplicates"] for receipt in [*spans, *questions]],
        "rejects": [*reading.rejects, *(receipt.shards["rejects"] for receipt in spans)],
    }
    kept = sum(receipt.kept for receipt in questions)
    counts = {"read": reading.read, "kept": kept, "rejected": reading.read - kept}
    notes = {
        "rejects": sum(shard.rows for shard in tables["rejects"]),
        "span duplicates": sum(receipt.shards["duplicates"].rows for receipt in spans),
        "question duplicates": sum(receipt.shards["duplicates"].rows for receipt in questions),
    }
    return {kind: TableDraft(work / kind, _with_rows(shards), **counts, notes=notes) for kind, shards in tables.items()}


def _with_rows(shards: Sequence[FileEntry]) -> tuple[FileEntry, ...]:
    """Leave out shards without rows, but the first if there are no others."""
    return tuple(shard for shard in shards if shard.rows) or tuple(shards[:1])
