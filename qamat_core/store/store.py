"""The artifact store: find what is registered, make what is not, open and verify it."""

import re
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryFile

import pyarrow as pa
from pydantic import BaseModel

from qamat_core.store.fingerprint import artifact_key, code_digest
from qamat_core.store.following import follows, wait_for
from qamat_core.store.locks import exclusive, placing
from qamat_core.store.planning import planner
from qamat_core.store.provenance import flow_run_id, git_commit, pins_digest
from qamat_core.store.registry import Registry, RegistryRow, now
from qamat_core.store.same_code import note_code
from qamat_core.store.shards import (
    FileEntry,
    Shard,
    directory_digest,
    directory_entries,
    place_directory,
    read_rows,
    table_digest,
    write_shard,
)
from qamat_core.store.space import noticing_full_disk
from qamat_core.store.storage import open_storage
from qamat_core.store.tables import commit_table
from qamat_core.store.verification import file_faults, page_faults
from schemas.artifacts import NAME, ArtifactRef, Kind, TableKind
from schemas.errors import AccountingError, ConfigError, CorruptArtifactError, MissingArtifactError
from schemas.tables import TABLES

_NAME = re.compile(NAME)


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
    """A directory (tokenizer, checkpoint, index, calibration, report) that was written but not committed."""

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
    """A home of artifacts, in a directory or an object store; ``home`` is the directory in which jobs work.

    Data first; the registry row is the only commit. A job whose outputs are all registered is not run again; of
    two processes at the same job, the second waits for the first. An artifact is verified once at its first open.
    """

    def __init__(self, home: str | Path) -> None:
        self.storage = open_storage(home)
        self.home = self.storage.directory
        try:
            (self.home / "work").mkdir(parents=True, exist_ok=True)
            TemporaryFile(dir=self.home / "work").close()
        except OSError as error:
            raise ConfigError(f"QAMAT_HOME {self.home}: {error.strerror}; give a writable directory") from error
        self.storage.probe()
        self.registry = Registry(self.storage)
        self._verified: set[str] = set()

    # making

    def predecessor(self, job: Job) -> dict[str, ArtifactRef] | None:
        """Return the newest outputs, by label, that the same code made under the same configuration of other inputs.

        Their inputs are those of ``row(ref).inputs``. None if there are none.
        """
        code, config = code_digest(job.module), job.config.model_dump_json()
        found: dict[str, ArtifactRef] = {}
        for row in self.registry.rows():
            if (row.code, row.config) == (code, config) and row.ref.key not in job.keys().values():
                found |= {
                    label: row.ref for label, output in job.outputs.items() if output == (row.ref.kind, row.ref.name)
                }
        return found if found.keys() == job.outputs.keys() else None

    def find(self, job: Job) -> dict[str, ArtifactRef] | None:
        """Return all outputs of a job by label, or None if one of them is not registered."""
        known = {row.ref.key: row.ref for row in self.registry.rows()}
        keys = job.keys()
        return {label: known[key] for label, key in keys.items()} if known.keys() >= set(keys.values()) else None

    def produce(
        self, job: Job, build: Callable[[Path], Mapping[str, Draft]], *, together: bool = False
    ) -> dict[str, ArtifactRef]:
        """Return the outputs of a job by label; ``build`` makes them if they are not registered.

        While a planner is set (``qamat_core.store.planning``), nothing is made: the planner gives the outputs.

        Args:
            job: what is to be made; refused with a ``ConfigError`` before the work if a name is too long.
            build: gets a work directory, returns a draft by label. The directory is the same after a crash, so that
                what a killed run had finished is found again; it is removed after the commit.
            together: processes that follow another one build too, in the same directory; what they return is not
                looked at. Otherwise they only wait for what the first makes.
        """
        for _, name in job.outputs.values():
            if not _NAME.fullmatch(name):
                raise ConfigError(f"name {name!r}: 1 to 64 lower-case letters, digits and hyphens; give a shorter one")
        if (plan := planner()) is not None:
            return dict(plan.ask(job))
        work = self.home / "work" / min(job.keys().values())
        if follows():
            if together and not self.find(job):
                work.mkdir(exist_ok=True)
                build(work)
            return wait_for(lambda: self.find(job))
        if (found := self.find(job)) and not work.exists():
            return found
        lock = work.with_suffix(".lock")
        with noticing_full_disk(self.storage), exclusive(lock):
            lock.write_text("\n".join(sorted({ref.uri for ref in job.inputs.values()})))
            if not (found := self.find(job)):
                work.mkdir(exist_ok=True)
                note_code(job.module, work)
                started = time.monotonic()
                found = self._commit(job, build(work), started)
            shutil.rmtree(work, ignore_errors=True)
            return found

    def _commit(self, job: Job, drafts: Mapping[str, Draft], started: float) -> dict[str, ArtifactRef]:
        """Put the data of all outputs in its place, then register all of them at once; nothing is collected between."""
        for label in job.outputs:
            _check_accounts(job, label, drafts[label])
        with placing(self.home):
            rows = [self._place(job, label, drafts[label]) for label in job.outputs]
            seconds = round(time.monotonic() - started, 3)
            registered = self.registry.append([row.model_copy(update={"seconds": seconds}) for row in rows])
            for ours, theirs in zip(rows, registered, strict=True):
                if ours.ref.uri != theirs.ref.uri:  # another process was first: our copy of the directory is an orphan
                    self.storage.remove(ours.ref.uri)
        return {label: row.ref for label, row in zip(job.outputs, registered, strict=True)}

    def _place(self, job: Job, label: str, draft: Draft) -> RegistryRow:
        """Move an output to where it stays and return its registry row, which is not appended yet."""
        kind, name = job.outputs[label]
        key = job.keys()[label]
        if isinstance(draft, TableDraft):
            uri = f"tables/{kind}/{name}"
            content = table_digest(draft.shards)
            version, files = commit_table(self.storage, uri, draft.directory, TABLES[kind], draft.shards, key)
            counts = {"read": draft.read, "kept": draft.kept, "rejected": draft.rejected}
        else:
            files = directory_entries(draft.directory)
            content = directory_digest(files)
            version = 0  # the registry counts the versions of directories
            uri = f"{kind}/{name}/{key[:16]}-{content[:8]}"
            place_directory(draft.directory, self.home / uri, files)
            self.storage.send(f"{uri}/{file.path}" for file in files)
            counts = {}
        return RegistryRow(
            ref=ArtifactRef(kind=kind, name=name, version=version, key=key, content=content, uri=uri),
            files=tuple(files),
            inputs=dict(job.inputs),
            config=job.config.model_dump_json(),
            module=job.module,
            code=code_digest(job.module),
            git_commit=git_commit(),
            pins=pins_digest(),
            flow_run_id=flow_run_id.get(),
            seconds=0,
            notes=dict(draft.notes),
            created=now(),
            **counts,
        )

    # opening

    def row(self, ref: ArtifactRef) -> RegistryRow:
        """Return the registry row of an artifact.

        Raises:
            MissingArtifactError: this home has none with this key and content.
        """
        row = self.registry.by_key(ref.key)
        if row is None or row.ref.content != ref.content:
            raise MissingArtifactError(f"{ref} is not registered in {self.home} with this key; make it again there")
        return row

    def newest(self, kind: Kind, name: str, version: int | None = None) -> ArtifactRef:
        """Return the newest (or the given) version of a named artifact."""
        return self.registry.newest(kind, name, version).ref

    def open_shards(self, ref: ArtifactRef) -> list[Path]:
        """Return the verified shard files of a table version, in order."""
        row = self._verified_row(ref)
        return [self.home / row.ref.uri / file.path for file in row.files]

    def shards(self, ref: ArtifactRef) -> list[Shard]:
        """Return what ``open_shards`` does, with what each shard holds."""
        files = self.row(ref).files
        return [Shard(path, file.sha256, file.rows) for path, file in zip(self.open_shards(ref), files, strict=True)]

    def open_table(self, ref: ArtifactRef, columns: list[str] | None = None) -> pa.Table:
        """Read a whole table version into memory."""
        schema = TABLES[ref.kind]
        schema = pa.schema([schema.field(name) for name in columns]) if columns else schema
        return pa.concat_tables([schema.empty_table(), *(read_rows(path, schema) for path in self.open_shards(ref))])

    def open_directory(self, ref: ArtifactRef) -> Path:
        """Return the verified directory of a tokenizer, checkpoint, index or report."""
        return self.home / self._verified_row(ref).ref.uri

    def faults(self, row: RegistryRow) -> list[str]:
        """Verify a version where it lies, every SHA-256 and every page checksum; return a line for each fault."""
        with self.storage.originals(f"{row.ref.uri}/{file.path}" for file in row.files) as directory:
            lines = [*file_faults(directory, row), *page_faults(directory, row)]
        return [line.replace(str(directory), str(self.storage)) for line in lines]

    def _verified_row(self, ref: ArtifactRef) -> RegistryRow:
        row = self.row(ref)
        if ref.key not in self._verified:
            paths = [f"{row.ref.uri}/{file.path}" for file in row.files]
            with placing(self.home):  # files of a mirror are not collected while they come
                self.storage.fetch(paths)
                if faults := file_faults(self.home, row):  # a mirror may be mended
                    self.storage.fetch(paths, anew=True)
                    faults = file_faults(self.home, row)
            if faults:
                raise CorruptArtifactError(faults[0])
            self._verified.add(ref.key)
        return row


def write_table(rows: pa.Table, kind: TableKind, work: Path, *, read: int = 0, rejected: int = 0) -> TableDraft:
    """Write a table that fits in memory as one shard: the draft of a small output."""
    shard = write_shard(rows, TABLES[kind], work / kind, 0)
    return TableDraft(work / kind, (shard,), read=read, kept=read - rejected, rejected=rejected)


def _check_accounts(job: Job, label: str, draft: Draft) -> None:
    if isinstance(draft, TableDraft) and draft.read != draft.kept + draft.rejected:
        kind, name = job.outputs[label]
        raise AccountingError(
            f"{kind}/{name}: read {draft.read} != kept {draft.kept} + rejected {draft.rejected}; not committed"
        )
