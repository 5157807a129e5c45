"""Edits: a memory (qa_pairs) and a file of edits -> its next version, rejects.

Shards that no edit touches are linked, not written again; added entries stand in a shard of their own at the end. Of
the memory: read = entries before + added, rejected = deleted; of the rejects: read = edits, rejected = those refused.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import pyarrow as pa

from qamat_core.memory_edits import Edits, read_edits
from qamat_core.store.shards import FileEntry, Shard, iter_shard, read_shard, write_shard
from qamat_core.store.store import Job, Store, TableDraft
from schemas.artifacts import ArtifactRef, Name
from schemas.corpus import EditConfig
from schemas.errors import InputError
from schemas.resources import Resources
from schemas.tables import QA_PAIRS, REJECTS
from tasks.intake import describe

_REMEDY = "run `qamat artifacts verify --discard`"


@dataclass(frozen=True)
class EditRefs:
    """The next version of a memory, and the edits that were refused."""

    qa_pairs: ArtifactRef
    rejects: ArtifactRef


def run(path: Path, memory: ArtifactRef, *, name: Name, resources: Resources) -> EditRefs:
    """Apply a file of edits (``qamat_core.memory_edits``) to a memory.

    Raises:
        InputError: the file cannot be read, or holds no edit that fits the memory.
    """
    store = Store(resources.home)
    job = Job(
        module=__name__,
        config=EditConfig(file=describe([path])[0]),
        inputs={"memory": memory},
        outputs={"qa_pairs": ("qa_pairs", name), "rejects": ("rejects", f"{name[:58]}-edits")},
    )
    return EditRefs(**store.produce(job, lambda work: edit(path, store.shards(memory), work)))


def edit(path: Path, memory: Sequence[Shard], work: Path) -> dict[str, TableDraft]:
    """Return drafts of both tables."""
    edits = read_edits(path)
    edits.check(_entries(memory))
    if not edits.added and not edits.touched:
        first = [f"; the first of {edits.read} is {one.source}: {one.reason}" for one in edits.rejects[:1]]
        raise InputError(f"{path}: holds no edit that can be made{''.join(first)}")
    shards = [_edited(edits, shard, number, work / "qa_pairs") for number, shard in enumerate(memory)]
    if edits.added:
        shards.append(write_shard(edits.new_entries(), QA_PAIRS, work / "qa_pairs", len(shards)))
    ops = [one.op for one in edits.touched.values()]
    counts = {"added": len(edits.added), "replaced": ops.count("replace"), "deleted": ops.count("delete")}
    read = sum(shard.rows for shard in memory) + counts["added"]
    kept = sum(shard.rows for shard in shards)
    refused = pa.Table.from_pylist([asdict(one) for one in edits.rejects], schema=REJECTS)
    rejects = write_shard(refused, REJECTS, work / "rejects", 0)
    applied = edits.read - len(edits.rejects)
    return {
        "qa_pairs": TableDraft(work / "qa_pairs", tuple(shards), read, kept, counts["deleted"], counts),
        "rejects": TableDraft(work / "rejects", (rejects,), edits.read, applied, len(edits.rejects)),
    }


def _entries(memory: Sequence[Shard]) -> Iterator[pa.RecordBatch]:
    for shard in memory:
        yield from iter_shard(shard.path, 65536, _REMEDY, ["qa_id", "question"])


def _edited(edits: Edits, shard: Shard, number: int, directory: Path) -> FileEntry:
    """Write a shard that an edit touches; link one that none does."""
    if edits.touches(read_shard(shard.path, ["qa_id"]).column(0).to_pylist()):
        return write_shard(edits.apply(read_shard(shard.path)), QA_PAIRS, directory, number)
    directory.mkdir(parents=True, exist_ok=True)
    target = directory / shard.path.name
    target.unlink(missing_ok=True)
    os.link(shard.path, target)
    return FileEntry(path=target.name, bytes=target.stat().st_size, sha256=shard.sha256, rows=shard.rows)
