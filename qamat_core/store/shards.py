"""Parquet shards: written once under a name made of their content, with page checksums."""

import hashlib
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import NonNegativeInt

from schemas.artifacts import Digest
from schemas.base import Frozen
from schemas.errors import CorruptArtifactError

UNREADABLE: Final = (OSError, pa.ArrowException, ValueError)
"""What Arrow raises where a file is damaged; a name in its footer that is no UTF-8 is a ``ValueError``."""


class FileEntry(Frozen):
    """One file of an artifact: its path below the artifact, its size in bytes, its SHA-256, its rows (a shard's)."""

    path: str
    bytes: NonNegativeInt
    sha256: Digest
    rows: NonNegativeInt = 0


@dataclass(frozen=True)
class Shard:
    """A shard of a table that is read: where it lies, what it holds (SHA-256), how many rows."""

    path: Path = field(compare=False)
    sha256: Digest
    rows: int


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, read in blocks."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_shard(rows: pa.Table, schema: pa.Schema, directory: Path, index: int) -> FileEntry:
    """Write shard number ``index`` as ``part-<index>-<content>.parquet``, atomically and idempotently.

    The rows are cast to the schema (names, order, types, nullability); writing the same rows again gives the
    same bytes under the same name.
    """
    directory.mkdir(parents=True, exist_ok=True)
    temporary = directory / f".{uuid4().hex}.tmp"
    pq.write_table(conform(rows, schema), temporary, compression="zstd", write_page_checksum=True)
    digest = sha256_of(temporary)
    path = directory / f"part-{index:05d}-{digest[:16]}.parquet"
    entry = FileEntry(path=path.name, bytes=temporary.stat().st_size, sha256=digest, rows=rows.num_rows)
    temporary.replace(path)
    return entry


def conform(rows: pa.Table, schema: pa.Schema) -> pa.Table:
    """Return the rows under exactly this schema; a missing column, or a null where none may be, is an error."""
    for column in schema:
        nulls = rows.column(column.name).null_count
        if nulls and not column.nullable:
            raise CorruptArtifactError(f"column {column.name}: {nulls} nulls where none may be; mend the job")
    return rows.select(schema.names).cast(schema)


def read_shard(path: Path, columns: list[str] | None = None) -> pa.Table:
    """Read a shard with its page checksums verified.

    Raises:
        CorruptArtifactError: the file is missing, cut short or has a flipped bit.
    """
    try:
        # One thread: shards are small, and workers read several at a time.
        return pq.ParquetFile(path, page_checksum_verification=True).read(columns, use_threads=False)
    except UNREADABLE as error:
        raise CorruptArtifactError(f"{path}: unreadable ({error}); run `qamat artifacts verify --discard`") from error


def read_rows(path: Path, schema: pa.Schema) -> pa.Table:
    """Read the columns of a schema from a shard; one that the table did not have yet when it was written is null.

    Raises:
        CorruptArtifactError: as ``read_shard``.
    """
    return pa.concat_tables([schema.empty_table(), read_shard(path, schema.names)], promote_options="default")


def iter_shard(path: Path, rows: int, remedy: str, columns: list[str] | None = None) -> Iterator[pa.RecordBatch]:
    """Yield a shard, or some columns of it, in batches of so many rows, with its page checksums verified.

    Raises:
        CorruptArtifactError: as ``read_shard``, with this remedy.
    """
    try:
        yield from pq.ParquetFile(path, page_checksum_verification=True).iter_batches(rows, columns=columns)
    except UNREADABLE as error:
        raise CorruptArtifactError(f"{path}: unreadable ({error}); {remedy}") from error


def table_digest(shards: Iterable[FileEntry]) -> str:
    """Return the content digest of a table: SHA-256 over its shards' digests, in order."""
    return hashlib.sha256("".join(shard.sha256 for shard in shards).encode()).hexdigest()


def directory_entries(directory: Path) -> list[FileEntry]:
    """Return every file below a directory with its size and SHA-256, sorted by path."""
    files = sorted(path for path in directory.rglob("*") if path.is_file())
    return [
        FileEntry(path=path.relative_to(directory).as_posix(), bytes=path.stat().st_size, sha256=sha256_of(path))
        for path in files
    ]


def directory_digest(entries: Iterable[FileEntry]) -> str:
    """Return the content digest of a directory: SHA-256 over its files' paths and digests, sorted by path."""
    return hashlib.sha256("".join(f"{entry.path}\n{entry.sha256}\n" for entry in entries).encode()).hexdigest()


def place_directory(source: Path, target: Path, entries: Sequence[FileEntry]) -> None:
    """Move a directory to where it stays; what a killed run left there is kept if it is the same, replaced if not."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists():
        if directory_entries(target) == list(entries):
            shutil.rmtree(source)
            return
        aside = target.with_name(f".{uuid4().hex}.tmp")
        target.replace(aside)
        shutil.rmtree(aside)
    source.replace(target)
