"""Small tables for the tests of the jobs, registered in a store as a job would."""

from collections.abc import Sequence

import pyarrow as pa

from qamat_core.batches import write_tables
from qamat_core.store.store import Job, Store
from schemas.artifacts import ArtifactRef, TableKind
from schemas.base import Frozen
from schemas.tables import TABLES, stable_id

Row = dict[str, object]


class Given(Frozen):
    """Stands where a job has its configuration."""

    digest: str


def register(store: Store, kind: TableKind, name: str, rows: Sequence[Row], shard_rows: int = 1000) -> ArtifactRef:
    """Register rows as a table of ``shard_rows`` rows a shard."""
    table = pa.Table.from_pylist(list(rows), schema=TABLES[kind])
    job = Job("tasks.beam", Given(digest=stable_id(rows, shard_rows)), {}, {"table": (kind, name)})
    draft = lambda work: write_tables(table, kind, work / kind, shard_rows, read=len(rows), rejected=0)  # noqa: E731
    return store.produce(job, lambda work: {"table": draft(work)})["table"]


def register_with_rejects(
    store: Store, kind: TableKind, name: str, rows: Sequence[Row], reasons: Sequence[str]
) -> ArtifactRef:
    """Register rows, and beside them what their job rejected, as one shard each."""
    rejects = [{"source": name, "record": str(number), "reason": reason} for number, reason in enumerate(reasons)]
    made: dict[TableKind, pa.Table] = {
        kind: pa.Table.from_pylist(list(rows), schema=TABLES[kind]),
        "rejects": pa.Table.from_pylist(rejects, schema=TABLES["rejects"]),
    }
    job = Job("tasks.beam", Given(digest=stable_id(rows, reasons)), {}, {each: (each, name) for each in made})
    counts = {"read": len(rows) + len(reasons), "rejected": len(reasons)}
    write = lambda each, work: write_tables(made[each], each, work / each, 1000, **counts)  # noqa: E731
    return store.produce(job, lambda work: {each: write(each, work) for each in made})[kind]


def passage(number: int, text: str) -> Row:
    """Make a row of ``passages``."""
    return {"passage_id": f"p{number}", "source": "test", "source_id": str(number), "title": f"T{number}", "text": text}


def pair(
    qa_id: str, question: str, answer: str, passage_id: str | None = None, start: int | None = None, **more: object
) -> Row:
    """Make a row of ``qa_pairs``."""
    row: Row = {"qa_id": qa_id, "question": question, "answer": answer, "aliases": [], "passage_id": passage_id}
    return row | {"start": start, "origin": "gold", "generator": None, "score": 0.0} | more


def example(number: int, question: str, *answers: str) -> Row:
    """Make a row of ``qa_examples``."""
    return {"example_id": f"e{number}", "question": question, "answers": list(answers), "dataset": "t", "split": "dev"}
