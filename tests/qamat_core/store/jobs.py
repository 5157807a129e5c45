"""Small jobs for the tests of the store; run as a script, a process that makes one artifact."""

import sys
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa

from qamat_core.store.store import DirectoryDraft, Draft, Job, Store, write_table
from schemas.artifacts import ArtifactRef
from schemas.base import Frozen

MODULE = "schemas.tables"
"""A first-party module that stands for the task; its sources are part of the keys."""


class RejectsConfig(Frozen):
    """What the small job depends on."""

    text: str = "a"
    rows: int = 2


def rejects(text: str = "a", rows: int = 2) -> pa.Table:
    """Return a small table of kind ``rejects``."""
    return pa.table({"source": [f"file:{n}" for n in range(rows)], "record": [text] * rows, "reason": ["bad"] * rows})


def table_job(config: RejectsConfig | None = None, name: str = "small", **inputs: ArtifactRef) -> Job:
    """Return a job with one table as output, labelled ``rows``."""
    return Job(MODULE, config or RejectsConfig(), inputs, {"rows": ("rejects", name)})


def table_build(text: str = "a", rows: int = 2) -> Callable[[Path], dict[str, Draft]]:
    """Return what makes the output of a table job."""
    return lambda work: {"rows": write_table(rejects(text, rows), "rejects", work, read=rows)}


def make_table(store: Store, text: str = "a", name: str = "small", rows: int = 2, **inputs: ArtifactRef) -> ArtifactRef:
    """Make a small table and return its reference."""
    job = table_job(RejectsConfig(text=text, rows=rows), name, **inputs)
    return store.produce(job, table_build(text, rows))["rows"]


def directory_job(config: RejectsConfig | None = None, name: str = "small") -> Job:
    """Return a job with one directory as output, labelled ``model``."""
    return Job(MODULE, config or RejectsConfig(), {}, {"model": ("checkpoint", name)})


def directory_build(text: str = "a") -> Callable[[Path], dict[str, Draft]]:
    """Return what makes the output of a directory job: two files, one in a folder."""

    def build(work: Path) -> dict[str, Draft]:
        (work / "model" / "weights").mkdir(parents=True, exist_ok=True)
        (work / "model" / "card.json").write_text(text)
        (work / "model" / "weights" / "data").write_bytes(text.encode() * 100)
        return {"model": DirectoryDraft(work / "model")}

    return build


def make_directory(store: Store, text: str = "a", name: str = "small") -> ArtifactRef:
    """Make a small directory and return its reference."""
    return store.produce(directory_job(RejectsConfig(text=text), name), directory_build(text))["model"]


def main(home: str, kind: str, text: str, start: str) -> None:
    """Make one artifact as soon as the file ``start`` exists; print its reference as JSON."""
    store = Store(home)
    while not Path(start).exists():
        time.sleep(0.002)
    print((make_table if kind == "table" else make_directory)(store, text).model_dump_json())  # noqa: T201


if __name__ == "__main__":
    main(*sys.argv[1:])
