"""The exact delta of two versions of a table: two references -> rows with a column ``change``.

Applied to the earlier version it gives the later one: take away the rows with an id that is removed or changed, put
in those that are added or changed. Removed rows are the tombstones.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from math import ceil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, Literal, get_args

import numpy as np
import polars as pl
import pyarrow as pa

from qamat_core.dedup.partitions import frame_of, read_partition, write_divided
from qamat_core.store.registry import RegistryRow
from qamat_core.store.shards import FileEntry, read_rows
from qamat_core.store.store import Store
from schemas.artifacts import ArtifactRef, Kind
from schemas.errors import IncompatibleArtifactError
from schemas.tables import TABLES

Change = Literal["added", "removed", "changed"]
CHANGES: Final[tuple[Change, ...]] = get_args(Change)

_WITHOUT_ID: Final = frozenset({"pair_spans", "negatives", "multihop_examples", "metrics", "attributions", "rejects"})
"""Tables whose first column is not the id of a row: a row of theirs is its own id."""
_PARTITION_ROWS: Final = 65536


def differences(store: Store, before: ArtifactRef, after: ArtifactRef) -> Iterator[pa.Table]:
    """Yield the rows that differ, some 65,536 rows of both versions at a time; within one of these sorted by id.

    Columns are ``change`` and those of the table. "added" and "changed" rows are those of ``after``, "removed" ones
    those of ``before``; "changed" is an id that both have with other columns. A table whose rows have no id of their
    own knows no "changed". Shards that both versions have are not read. Rows wait on disk, in the home, not in memory.

    Raises:
        IncompatibleArtifactError: they are not two versions of one kind of table.
    """
    if before.kind != after.kind or before.kind not in TABLES:
        raise IncompatibleArtifactError(f"{before} and {after}: give two versions of one kind of table")
    return _differences(store, before, after)


def delta_schema(kind: Kind) -> pa.Schema:
    """Return the schema of the rows that differ between two versions of a table."""
    return pa.schema([pa.field("change", pa.string(), nullable=False), *TABLES[kind]])


def _differences(store: Store, before: ArtifactRef, after: ArtifactRef) -> Iterator[pa.Table]:
    schema = TABLES[before.kind]
    rows = store.row(before), store.row(after)
    gone, came = (_unshared(store, row, other) for row, other in (rows, rows[::-1]))
    partitions = max(1, ceil(sum(file.rows for _, file in [*gone, *came]) / _PARTITION_ROWS))
    names = [schema.names[0]] if before.kind not in _WITHOUT_ID else schema.names
    with TemporaryDirectory(dir=store.home / "work") as folder:
        gone, came = (_divide(side, schema, names, partitions, Path(folder)) for side in (gone, came))
        for partition in range(partitions):
            frames = [read_partition(paths, partition, schema) for paths in (gone, came)]
            yield _changes(frames[0], frames[1], names, delta_schema(before.kind))


def _unshared(store: Store, row: RegistryRow, other: RegistryRow) -> list[tuple[Path, FileEntry]]:
    """Return the shards, with their entries, that the other version does not have."""
    shared = Counter(file.sha256 for file in other.files)
    shards = []
    for path, file in zip(store.open_shards(row.ref), row.files, strict=True):
        if shared[file.sha256]:
            shared[file.sha256] -= 1
        else:
            shards.append((path, file))
    return shards


def _divide(
    shards: Sequence[tuple[Path, FileEntry]], schema: pa.Schema, names: Sequence[str], partitions: int, folder: Path
) -> list[Path]:
    """Divide shards by the columns ``names``."""
    divided = [folder / f"{file.sha256}.arrow" for _, file in shards]
    for (path, _), target in zip(shards, divided, strict=True):
        rows = read_rows(path, schema)
        key = frame_of(rows).select(pl.struct(names).struct.json_encode()).to_series()
        write_divided(rows, key, partitions, target)
    return divided


def _changes(gone: pl.DataFrame, came: pl.DataFrame, names: Sequence[str], columns: pa.Schema) -> pa.Table:
    """Return what differs between the rows of one partition; equal rows are told apart by how many there are."""
    sides = [gone.with_columns(balance=-1), came.with_columns(balance=1)]
    balance = pl.concat(sides).group_by(columns.names[1:], maintain_order=True).agg(pl.col("balance").sum())
    removed, added = (_repeated(balance.with_columns(pl.col("balance") * sign)) for sign in (-1, 1))
    parts = [
        (removed.join(added, on=names, how="anti", nulls_equal=True), "removed"),
        (added.join(removed, on=names, how="anti", nulls_equal=True), "added"),
        (added.join(removed, on=names, how="semi", nulls_equal=True), "changed"),
    ]
    changes = pl.concat([rows.with_columns(change=pl.lit(change, pl.String)) for rows, change in parts])
    return pa.table(changes.sort(names, maintain_order=True).select(columns.names).rechunk().to_arrow()).cast(columns)


def _repeated(balance: pl.DataFrame) -> pl.DataFrame:
    """Return each row as often as its balance says."""
    times = balance["balance"].clip(0).to_numpy()
    return balance.drop("balance")[np.repeat(np.arange(balance.height), times)]
