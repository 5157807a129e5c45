"""The registry: one Delta table, one row a version. A row is the only commit; what has none does not exist."""

import hashlib
import sys
from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import CommitProperties, DeltaTable, Transaction, write_deltalake
from deltalake.exceptions import DeltaError, TableNotFoundError
from pydantic import AwareDatetime, Field

from qamat_core.store.seals import check_seals
from qamat_core.store.shards import UNREADABLE, FileEntry
from qamat_core.store.space import is_full
from qamat_core.store.storage import Storage
from schemas.artifacts import ArtifactRef
from schemas.base import Frozen
from schemas.errors import ArtifactError, CorruptArtifactError, MissingArtifactError
from schemas.tables import TABLES

_PATH = "registry"
"""Where it lies in a home."""
ATTEMPTS = 100
"""How often a commit is tried again when another process commits at the same moment."""

_SCHEMA = pa.schema(
    [
        pa.field("kind", pa.string()),
        pa.field("name", pa.string()),
        pa.field("version", pa.int64()),
        pa.field("key", pa.string()),
        pa.field("record", pa.string()),
        pa.field("sha256", pa.string()),
    ]
)
"""``record`` is the row's JSON and ``sha256`` its digest; the other columns are for people who look with SQL."""


class RegistryRow(Frozen):
    """All that is known of one version.

    ``read``, ``kept`` and ``rejected`` count the records of the job that made it (0 where it reads none);
    ``config`` is the configuration's JSON; ``pins`` hashes the versions of all installed libraries.
    """

    ref: ArtifactRef
    files: tuple[FileEntry, ...]
    inputs: dict[str, ArtifactRef]
    config: str
    module: str
    code: str = ""
    """Digest of the code that made it (``code_digest``)."""
    git_commit: str
    pins: str
    flow_run_id: str
    seconds: float
    read: int = 0
    kept: int = 0
    rejected: int = 0
    notes: dict[str, str | int | float] = Field(default_factory=dict[str, str | int | float])
    created: AwareDatetime

    @property
    def rows(self) -> int:
        """Rows over all shards; 0 for a directory."""
        return sum(file.rows for file in self.files)

    @property
    def bytes(self) -> int:
        """Bytes over all files."""
        return sum(file.bytes for file in self.files)


class Registry:
    """Reads and appends rows. Safe with several processes: of two that commit one key, one wins, both end well."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._uri = storage.address(_PATH)
        self._known: dict[str, Sequence[RegistryRow]] = {}

    def rows(self) -> list[RegistryRow]:
        """Return the row of every version, oldest first.

        Raises:
            CorruptArtifactError: a row does not have its own SHA-256; names the file.
        """
        return [row for row in self._read(self._open()) if row.ref.kind != "tag"]

    def tags(self) -> list[RegistryRow]:
        """Return the row of every move of a tag, oldest first (``qamat_core.store.tags``).

        Raises:
            CorruptArtifactError: as ``rows``.
        """
        return [row for row in self._read(self._open()) if row.ref.kind == "tag"]

    def by_key(self, key: str) -> RegistryRow | None:
        """Return the row with this key, or None."""
        return next((row for row in self.rows() if row.ref.key == key), None)

    def newest(self, kind: str, name: str, version: int | None = None) -> RegistryRow:
        """Return the newest version of an artifact, or the given one.

        Raises:
            MissingArtifactError: there is none; the message lists the names of that kind.
        """
        rows = [row for row in self.rows() if row.ref.kind == kind]
        found = [row for row in rows if row.ref.name == name and version in (None, row.ref.version)]
        if not found:
            wanted = f"{kind}/{name}" + (f"@{version}" if version is not None else "")
            names = ", ".join(sorted({row.ref.name for row in rows})) or "none"
            raise MissingArtifactError(f"{wanted} is not registered; names of kind {kind}: {names}")
        return max(found, key=lambda row: row.ref.version)

    def append(self, rows: Sequence[RegistryRow]) -> list[RegistryRow]:
        """Commit rows together, all or none, and return them as registered.

        A row whose key is registered already gives way to the registered one. A directory gets its version here: the
        next one of its kind and name.
        """
        for _ in range(ATTEMPTS):
            table = self._open()
            known = {row.ref.key: row for row in self._read(table)}
            new = [_numbered(row, known.values()) for row in rows if row.ref.key not in known]
            try:
                if new:
                    self._commit(table, new)
            except DeltaError as error:  # another process committed, or created the table, in between
                if is_full(error):
                    raise
                continue
            known.update({row.ref.key: row for row in new})
            return [known[row.ref.key] for row in rows]
        raise ArtifactError(f"{rows[0].ref}: {ATTEMPTS} other commits got in between; run it again")

    def remove(self, keys: Collection[str]) -> None:
        """Forget versions by key: they do not exist any more, and a job that is run again makes them again."""
        for _ in range(ATTEMPTS):
            table = self._open()
            if table is None or not any(row.ref.key in keys for row in self._read(table)):
                return
            try:
                names = ", ".join(f"'{key}'" for key in keys)
                table.delete(f"key in ({names})", commit_properties=CommitProperties(max_commit_retries=0))
            except DeltaError as error:  # another process committed in between
                if is_full(error):
                    raise
                continue
        raise ArtifactError(f"registry: {ATTEMPTS} other commits got in between; run it again")

    def _open(self) -> DeltaTable | None:
        self._check()
        return open_delta(self._uri)

    def _check(self) -> None:
        """Look at the seals of the log, and seal what is new; an object store answers for what it keeps."""
        if "://" not in self._uri:
            check_seals(Path(self._uri))

    def _read(self, table: DeltaTable | None) -> list[RegistryRow]:
        """Return the rows of a snapshot; a file is read once, for it never changes."""
        addresses = sorted(table.file_uris()) if table is not None else []
        files = [f"{_PATH}/{address.rpartition('/')[2]}" for address in addresses]
        for file in files:
            if file not in self._known:
                self._storage.fetch([file])
                self._known[file] = _rows_of(self._storage.directory / file)
        rows = [row for file in files for row in self._known[file]]
        return sorted(rows, key=lambda row: (row.created, str(row.ref)))

    def _commit(self, table: DeltaTable | None, rows: Sequence[RegistryRow]) -> None:
        records = [row.model_dump_json() for row in rows]
        columns = {
            "kind": [row.ref.kind for row in rows],
            "name": [row.ref.name for row in rows],
            "version": [row.ref.version for row in rows],
            "key": [row.ref.key for row in rows],
            "record": records,
            "sha256": list(map(_sha256, records)),
        }
        properties = CommitProperties(
            app_transactions=[Transaction(row.ref.key, 1) for row in rows], max_commit_retries=0
        )
        sys.audit("qamat.commit", self._uri)  # heard by the tests that kill a process at this moment
        write_deltalake(
            table or self._uri,
            pa.table(columns, schema=_SCHEMA),
            mode="append" if table else "error",
            commit_properties=properties,
        )
        sys.audit("qamat.committed", self._uri)
        self._check()


def open_delta(address: str) -> DeltaTable | None:
    """Open the newest version of a Delta table; None where there is none."""
    try:
        return DeltaTable(address)
    except TableNotFoundError:
        return None


def _rows_of(file: Path) -> Sequence[RegistryRow]:
    """Return the rows of a file, read once in a process: each step opens a registry of its own."""
    try:
        return _read_file(file, file.stat().st_mtime_ns)
    except OSError as error:
        raise CorruptArtifactError(f"{file}: the registry is unreadable ({error}); restore the file") from error


@cache
def _read_file(file: Path, changed: int) -> Sequence[RegistryRow]:
    """Read a file as it was when it was last changed, in ns; what was damaged since is read again."""
    del changed
    try:
        # One thread: pyarrow's pool, beside deltalake's threads, now and then aborts the interpreter at its exit.
        columns = pq.ParquetFile(file).read(["record", "sha256"], use_threads=False).to_pydict()
    except UNREADABLE as error:
        raise CorruptArtifactError(f"{file}: the registry is unreadable ({error}); restore the file") from error
    for record, digest in zip(columns["record"], columns["sha256"], strict=True):
        if _sha256(record) != digest:
            raise CorruptArtifactError(f"{file}: a registry row does not have its SHA-256; restore the file")
    return tuple(RegistryRow.model_validate_json(record) for record in columns["record"])


def _numbered(row: RegistryRow, known: Iterable[RegistryRow]) -> RegistryRow:
    """Return the row with the version that it gets; a table's is that of its Delta commit already."""
    if row.ref.kind in TABLES:
        return row
    versions = (
        other.ref.version for other in known if (other.ref.kind, other.ref.name) == (row.ref.kind, row.ref.name)
    )
    ref = row.ref.model_copy(update={"version": max(versions, default=-1) + 1})
    return row.model_copy(update={"ref": ref})


def _sha256(record: str) -> str:
    return hashlib.sha256(record.encode()).hexdigest()


def now() -> datetime:
    """Return the present moment in UTC."""
    return datetime.now(UTC)
