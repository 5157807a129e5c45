"""From typed records to Arrow tables and shards, some rows at a time."""

from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa

from qamat_core.store.shards import FileEntry, write_shard
from qamat_core.store.store import TableDraft
from schemas.artifacts import TableKind
from schemas.records import Annotation, Passage, QAExample, Reject
from schemas.tables import TABLES

Record = Passage | Annotation | QAExample | Reject


def to_table(records: Iterable[Record], kind: TableKind) -> pa.Table:
    """Return records of one kind as a table of that kind."""
    schema = TABLES[kind]
    rows = list(records)
    columns = [[_plain(getattr(row, name)) for row in rows] for name in schema.names]
    return pa.table([pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)], schema)


def _plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value


class TableWriter:
    """Writes the records that it is given as shards of ``shard_rows`` rows; holds no more than one shard in memory.

    An empty table has one shard without rows, so that every table of a corpus has a shard number 0.
    """

    def __init__(self, kind: TableKind, work: Path, shard_rows: int) -> None:
        self._kind: TableKind = kind
        self._directory = work / kind
        self._shard_rows = shard_rows
        self._waiting: list[Record] = []
        self._shards: list[FileEntry] = []

    @property
    def rows(self) -> int:
        """Rows given so far."""
        return sum(shard.rows for shard in self._shards) + len(self._waiting)

    def add(self, record: Record) -> None:
        """Append one record."""
        self._waiting.append(record)
        if len(self._waiting) == self._shard_rows:
            self._flush()

    def draft(self, *, read: int, rejected: int) -> TableDraft:
        """Write what is left and return the table with the job's record counts."""
        if self._waiting or not self._shards:
            self._flush()
        return TableDraft(self._directory, tuple(self._shards), read=read, kept=read - rejected, rejected=rejected)

    def _flush(self) -> None:
        table = to_table(self._waiting, self._kind)
        self._shards.append(write_shard(table, TABLES[self._kind], self._directory, len(self._shards)))
        self._waiting = []


def write_tables(
    rows: pa.Table, kind: TableKind, work: Path, shard_rows: int, *, read: int, rejected: int
) -> TableDraft:
    """Write a table that fits in memory as shards of ``shard_rows`` rows in ``work``."""
    starts = range(0, max(rows.num_rows, 1), shard_rows)
    shards = [
        write_shard(rows.slice(start, shard_rows), TABLES[kind], work, index) for index, start in enumerate(starts)
    ]
    return TableDraft(work, tuple(shards), read=read, kept=read - rejected, rejected=rejected)
