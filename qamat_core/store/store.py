"""The artifact store: find what is registered, make what is not, open and verify it."""

import fcntl
import os
import shutil
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import pyarrow as pa
from pydantic import BaseModel

from qamat_core.store.fingerprint import artifact_key
from qamat_core.store.provenance import flow_run_id, git_commit, pins_digest
from qamat_core.store.registry import Registry, RegistryRow, now
from qamat_core.store.shards import (
    FileEntry,
    directory_digest,
    directory_entries,
    read_shard,
    sha256_of,
    table_digest,
    write_shard,
)
from qamat_core.store.tables import commit_table
from schemas.artifacts import ArtifactRef, Kind, TableKind
from schemas.errors import AccountingError, ConfigError, CorruptArtifactError
from schemas.tables import TABLES


@dataclass(frozen=True)
class TableDraft:
    """A table that was written but not committed: its shards lie in ``directory``.

    ``read``, ``kept``, ``rejected`` count the job's records: they must add up before it is committed.
    """

    directory: Path
    shards: tuple[FileEntry, ...]
    read: int = 0
    kept: int = 0
    rejected: int = 0
    notes: Mapping[str, str | int | float] = field(default_factory=dict[str, str | int | float])


@dataclass(frozen=True)
class DirectoryDraft:
    """A directory (tokenizer, checkpoint, index, report) that was written but not committed."""

    directory: Path
    notes: Mapping[str, str | int | float] = field(default_factory=dict[str, str | int | float])


Draft = TableDraft | DirectoryDraft


@dataclass(frozen=True)
class Job:
    """What makes artifacts: the kind and name of each output by label, the configuration, the inputs, the module."""

    module: str
    config: BaseModel
    inputs: Mapping[str, ArtifactRef]
    outputs: Mapping[str, tuple[Kind, str]]

    def keys(self) -> dict[str, str]:
        """Return the key of every output by label."""
        return {
            label: artifact_key(kind, name, self.config, self.inputs, self.module)
            for label, (kind, name) in self.outputs.items()
        }


class Store:
    """A home of artifacts on a file system.

    Data first; the registry row is the only commit. A job whose outputs are all registered is not run again; of
    two processes at the same job, the second waits for the first. An artifact is verified once at its first open.
    """

    def __init__(self, home: str | Path) -> None:
        if "://" in str(home):
            raise ConfigError(f"QAMAT_HOME {home}: a remote store is not supported yet; give a directory")
        self.home = Path(home).absolute()
        try:
            (self.home / "work").mkdir(parents=True, exist_ok=True)
            writable = os.access(self.home / "work", os.W_OK)
        except OSError as error:
            raise ConfigError(f"QAMAT_HOME {self.home}: {error.strerror}; give a writable directory") from error
        if not writable:
            raise ConfigError(f"QAMAT_HOME {self.home}: not writable; give a writable directory")
        self.registry = Registry(self.home / "registry")
        self._verified: set[str] = set()

    # making

    def find(self, job: Job) -> dict[str, ArtifactRef] | None:
        """Return all outputs of a job by label, or None if one of them is not registered."""
        rows = {label: self.registry.by_key(key) for label, key in job.keys().items()}
        return {label: row.ref for label, row in rows.items() if row} if all(rows.values()) else None

    def produce(self, job: Job, build: Callable[[Path], Mapping[str, Draft]]) -> dict[str, ArtifactRef]:
        """Return the outputs of a job by label; ``build`` makes them if they are not registered.

        Args:
            job: what is to be made.
            build: gets a work directory, returns a draft by label. The directory is the same after a crash, so that
                what a killed run had finished is found again; it is removed after the commit.
        """
        if found := self.find(job):
            return found
        work = self.home / "work" / min(job.keys().values())
        with _locked(work.with_suffix(".lock")):
            if found := self.find(job):
                return found
            work.mkdir(exist_ok=True)
            started = time.monotonic()
            drafts = build(work)
            refs = {label: self._commit(job, label, drafts[label], time.monotonic() - started) for label in job.outputs}
            shutil.rmtree(work)
            return refs

    def _commit(self, job: Job, label: str, draft: Draft, seconds: float) -> ArtifactRef:
        kind, name = job.outputs[label]
        key = job.keys()[label]
        if isinstance(draft, TableDraft):
            if draft.read != draft.kept + draft.rejected:
                raise AccountingError(
                    f"{kind}/{name}: read {draft.read} != kept {draft.kept} + rejected {draft.rejected}; not committed"
                )
            counts = {"read": draft.read, "kept": draft.kept, "rejected": draft.rejected}
            uri = f"tables/{kind}/{name}"
            version, files = commit_table(self.home / uri, draft.directory, TABLES[kind], draft.shards, key)
            content = table_digest(draft.shards)
        else:
            counts = {}
            files = directory_entries(draft.directory)
            content = directory_digest(files)
            version = self.registry.next_version(kind, name)
            uri = f"{kind}/{name}/{key[:16]}-{uuid4().hex[:8]}"
            (self.home / uri).parent.mkdir(parents=True, exist_ok=True)
            draft.directory.replace(self.home / uri)
        row = RegistryRow(
            ref=ArtifactRef(kind=kind, name=name, version=version, key=key, content=content, uri=uri),
            files=tuple(files),
            inputs=dict(job.inputs),
            config=job.config.model_dump_json(),
            module=job.module,
            git_commit=git_commit(),
            pins=pins_digest(),
            flow_run_id=flow_run_id.get(),
            seconds=round(seconds, 3),
            notes=dict(draft.notes),
            created=now(),
            **counts,
        )
        return self.registry.append(row).ref

    # opening

    def row(self, ref: ArtifactRef) -> RegistryRow:
        """Return the registry row of an artifact."""
        return self.registry.newest(ref.kind, ref.name, ref.version)

    def newest(self, kind: Kind, name: str, version: int | None = None) -> ArtifactRef:
        """Return the newest (or the given) version of a named artifact."""
        return self.registry.newest(kind, name, version).ref

    def open_shards(self, ref: ArtifactRef) -> list[Path]:
        """Return the verified shard files of a table version, in order."""
        directory = self.home / ref.uri
        return [directory / file.path for file in self._verified_row(ref).files]

    def open_table(self, ref: ArtifactRef, columns: list[str] | None = None) -> pa.Table:
        """Read a whole table version into memory."""
        schema = TABLES[ref.kind]
        schema = pa.schema([schema.field(name) for name in columns]) if columns else schema
        return pa.concat_tables([schema.empty_table(), *(read_shard(path, columns) for path in self.open_shards(ref))])

    def open_directory(self, ref: ArtifactRef) -> Path:
        """Return the verified directory of a tokenizer, checkpoint, index or report."""
        self._verified_row(ref)
        return self.home / ref.uri

    def _verified_row(self, ref: ArtifactRef) -> RegistryRow:
        row = self.row(ref)
        if ref.key not in self._verified:
            if faults := verify_row(self.home, row):
                raise CorruptArtifactError(faults[0])
            self._verified.add(ref.key)
        return row


def verify_row(home: Path, row: RegistryRow) -> list[str]:
    """Recompute every SHA-256 of one version; return a line for each file that disagrees."""
    faults: list[str] = []
    for file in row.files:
        path = home / row.ref.uri / file.path
        if not path.is_file():
            faults.append(f"{row.ref}: {path} is missing; make it again")
        elif sha256_of(path) != file.sha256:
            faults.append(f"{row.ref}: {path} does not have its registered SHA-256; make it again")
    return faults


def write_table(rows: pa.Table, kind: TableKind, work: Path, *, read: int = 0, rejected: int = 0) -> TableDraft:
    """Write a table that fits in memory as one shard: the draft of a small output."""
    shard = write_shard(rows, TABLES[kind], work / kind, 0)
    return TableDraft(work / kind, (shard,), read=read, kept=read - rejected, rejected=rejected)


@contextmanager
def _locked(path: Path) -> Generator[None]:
    """Hold an exclusive lock on a file; the operating system releases it if the process dies."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
