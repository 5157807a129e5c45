"""The registry: one Delta table, one row a version. A row is the only commit; what has none does not exist."""

from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, Transaction, write_deltalake
from deltalake.exceptions import DeltaError, TableNotFoundError
from pydantic import AwareDatetime, Field

from qamat_core.store.shards import FileEntry
from schemas.artifacts import ArtifactRef
from schemas.base import Frozen
from schemas.errors import ArtifactError, MissingArtifactError

ATTEMPTS = 100
"""How often a commit is tried again when another process commits at the same moment."""

_SCHEMA = pa.schema(
    [
        pa.field("kind", pa.string()),
        pa.field("name", pa.string()),
        pa.field("version", pa.int64()),
        pa.field("key", pa.string()),
        pa.field("record", pa.string()),
    ]
)


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

    def __init__(self, uri: Path) -> None:
        self._uri = str(uri)
        self._rows: list[RegistryRow] = []
        self._version = -1

    def rows(self) -> list[RegistryRow]:
        """Return every row, oldest first."""
        table = self._open()
        if table is not None and table.version() != self._version:
            records = table.to_pyarrow_table(columns=["record"]).column("record").to_pylist()
            self._rows = sorted(map(RegistryRow.model_validate_json, records), key=lambda row: row.created)
            self._version = table.version()
        return self._rows

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
        return found[-1]

    def append(self, row: RegistryRow) -> RegistryRow:
        """Commit one row and return it; if its key is registered already, return that row instead."""
        for _ in range(ATTEMPTS):
            table = self._open()
            if table is not None and (known := self.by_key(row.ref.key)):
                return known
            try:
                self._commit(table, row)
            except DeltaError:  # another process committed, or created the table, in between
                continue
            return row
        raise ArtifactError(f"{row.ref}: {ATTEMPTS} other commits got in between; run it again")

    def next_version(self, kind: str, name: str) -> int:
        """Return the version that a new directory of this kind and name gets."""
        versions = [row.ref.version for row in self.rows() if (row.ref.kind, row.ref.name) == (kind, name)]
        return max(versions, default=-1) + 1

    def _open(self) -> DeltaTable | None:
        try:
            return DeltaTable(self._uri)
        except TableNotFoundError:
            return None

    def _commit(self, table: DeltaTable | None, row: RegistryRow) -> None:
        ref = row.ref
        data = pa.table(
            {
                "kind": [ref.kind],
                "name": [ref.name],
                "version": [ref.version],
                "key": [ref.key],
                "record": [row.model_dump_json()],
            },
            schema=_SCHEMA,
        )
        write_deltalake(
            table or self._uri,
            data,
            mode="append" if table else "error",
            commit_properties=CommitProperties(app_transactions=[Transaction(ref.key, 1)], max_commit_retries=0),
        )


def now() -> datetime:
    """Return the present moment in UTC."""
    return datetime.now(UTC)
