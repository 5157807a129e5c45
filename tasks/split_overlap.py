"""Test questions by their overlap with training questions: two tables of qa_examples -> overlaps."""

from dataclasses import replace
from pathlib import Path

from qamat_core.evaluation.overlap_splits import OVERLAP_KINDS, near_questions
from qamat_core.store.store import Job, Store, TableDraft, write_table
from schemas.artifacts import ArtifactRef, Name
from schemas.evaluation import OverlapConfig
from schemas.resources import Resources


def run(
    config: OverlapConfig, train: ArtifactRef, test: ArtifactRef, *, name: Name, resources: Resources
) -> ArtifactRef:
    """Return the overlap of every question of ``test`` with those of ``train``; its notes count them by kind."""
    store = Store(resources.home)
    inputs = {"train": train, "test": test}
    job = Job(module=__name__, config=config, inputs=inputs, outputs={"overlaps": ("overlaps", name)})

    def build(work: Path) -> dict[str, TableDraft]:
        rows = near_questions(store.open_table(train), store.open_table(test), config.threshold)
        kinds = rows.column("overlap").to_pylist()
        notes = {f"{kind} overlap": kinds.count(kind) for kind in OVERLAP_KINDS}
        return {"overlaps": replace(write_table(rows, "overlaps", work, read=rows.num_rows), notes=notes)}

    return store.produce(job, build)["overlaps"]
