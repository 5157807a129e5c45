"""What a generated memory holds of the world's facts: a corpus's tables, its memory and the gold memory -> metrics.

For the world corpus only, whose facts are known: coverage of the facts that a split's questions ask for, precision,
and what the filter kept of the right pairs. Rows stand in "table1" beside the counts of entries and passages.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from qamat_core.evaluation.coverage import audit, audit_open_domain, corpus_counts
from qamat_core.store.store import Job, Store, TableDraft, write_table
from qamat_core.world.audit import FactBook
from schemas.artifacts import ArtifactRef, Name
from schemas.evaluation import AuditConfig
from schemas.resources import Resources


@dataclass(frozen=True)
class AuditInputs:
    """A generated corpus, and what is true of it.

    ``gold`` is the world's gold memory, ``examples`` the questions whose facts the memory should hold, ``open_domain``
    the verdicts of the open-domain filter on the same questions, if it is to be compared with the memory's own.
    """

    passages: ArtifactRef
    answers: ArtifactRef
    questions: ArtifactRef
    verdicts: ArtifactRef
    memory: ArtifactRef
    gold: ArtifactRef
    examples: ArtifactRef
    open_domain: ArtifactRef | None = None


def run(config: AuditConfig, inputs: AuditInputs, *, name: Name, resources: Resources) -> ArtifactRef:
    """Audit one generated memory."""
    store = Store(resources.home)
    refs: dict[str, ArtifactRef] = {label: ref for label, ref in vars(inputs).items() if ref is not None}
    job = Job(module=__name__, config=config, inputs=refs, outputs={"metrics": ("metrics", name)})

    def build(work: Path) -> dict[str, TableDraft]:
        rows = audit_tables(config, {label: store.open_table(ref) for label, ref in refs.items()})
        return {"metrics": write_table(rows, "metrics", work, read=rows.num_rows)}

    return store.produce(job, build)["metrics"]


def audit_tables(config: AuditConfig, tables: dict[str, pa.Table]) -> pa.Table:
    """Return the audit of the tables, by the labels of ``AuditInputs``."""
    book = FactBook.from_gold(_pairs(tables["gold"]))
    asked = (book.fact_of(question) for question in tables["examples"].column("question").to_pylist())
    candidates = tables["questions"].join(tables["answers"].select(["answer_id", "text"]), "answer_id")
    candidates = candidates.join(tables["verdicts"].select(["qa_id", "kept"]), "qa_id").sort_by("qa_id")
    place: dict[str, Any] = config.model_dump(include={"row", "dataset", "split", "model_size", "seed"})
    stated = _stated(book, candidates, "text")
    facts = {fact for fact in asked if fact}
    memory = _stated(book, tables["memory"], "answer")
    counts = {"entries": tables["memory"].num_rows, "passages": tables["passages"].num_rows}
    found = [
        corpus_counts(counts, **place),
        audit(facts, stated, candidates.column("kept").to_pylist(), memory, **place, resamples=config.resamples),
    ]
    if "open_domain" in tables:
        kept = tables["open_domain"].sort_by("qa_id").column("kept").to_pylist()
        found.append(audit_open_domain(stated, kept, k=config.open_domain_k, **place, resamples=config.resamples))
    return pa.concat_tables(found)


def _pairs(table: pa.Table, answer: str = "answer") -> Iterator[tuple[str, str]]:
    return zip(table.column("question").to_pylist(), table.column(answer).to_pylist(), strict=True)


def _stated(book: FactBook, pairs: pa.Table, answer: str) -> list[tuple[str, str] | None]:
    return [book.right_fact(question, text) for question, text in _pairs(pairs, answer)]
