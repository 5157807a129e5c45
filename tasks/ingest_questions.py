"""Ingest: a file of questions with answers (NQ-open JSONL, DPR's *.qa.csv; .gz too) -> qa_examples, rejects.

Rows stand in file order. read counts examples and rejects.
"""

from dataclasses import dataclass
from pathlib import Path

from qamat_core.readers.formats import open_questions
from qamat_core.store.store import Job, Store
from schemas.artifacts import ArtifactRef, Name
from schemas.corpus import IngestConfig, SourcesConfig
from schemas.resources import Resources
from tasks.intake import describe, take_in


@dataclass(frozen=True)
class QuestionsRefs:
    """The questions of one split, and what was refused of the file."""

    qa_examples: ArtifactRef
    rejects: ArtifactRef


def run(
    config: IngestConfig, path: Path, *, dataset: str, split: str, name: Name, resources: Resources
) -> QuestionsRefs:
    """Read a file into ``name`` as questions of ``dataset`` and ``split``.

    Raises:
        InputError: the file is missing, damaged, empty or of no known format, or too much of it was rejected.
    """
    job = Job(
        module=__name__,
        config=SourcesConfig(ingest=config, files=describe([path]), dataset=dataset, split=split),
        inputs={},
        outputs={"qa_examples": ("qa_examples", name), "rejects": ("rejects", f"{name}-questions")},
    )
    refs = Store(resources.home).produce(
        job,
        lambda work: take_in([path], lambda file: open_questions(file, dataset, split), ("qa_examples",), work, config),
    )
    return QuestionsRefs(**refs)
