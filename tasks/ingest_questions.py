"""Ingest: a file of questions with answers -> qa_examples, rejects.

Rows stand in file order. read counts examples and rejects. Where the paper has another number of questions of that
data set and split, a warning and the note "count" say so.
"""

from dataclasses import dataclass, replace
from pathlib import Path

from qamat_core import progress
from qamat_core.readers.formats import open_questions
from qamat_core.store.store import Job, Store, TableDraft
from schemas.artifacts import ArtifactRef, Name
from schemas.corpus import IngestConfig, SourcesConfig
from schemas.datasets import count_note
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

    def build(work: Path) -> dict[str, TableDraft]:
        drafts = take_in([path], lambda file: open_questions(file, dataset, split), ("qa_examples",), work, config)
        draft = drafts["qa_examples"]
        note = count_note(dataset, split, draft.kept)
        return drafts | {"qa_examples": replace(draft, notes={"count": note} if note else {})}

    store = Store(resources.home)
    refs = QuestionsRefs(**store.produce(job, build))
    made = store.registry.by_key(refs.qa_examples.key)  # none in a plan
    if made and (note := made.notes.get("count")):
        progress.warn(f"{path.name}: {note}")
    return refs
