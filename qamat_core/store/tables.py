"""Versions of tables: one Delta table a (kind, name), one commit a version, idempotent by key."""

import json
import os
import time
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, Transaction
from deltalake import Schema as DeltaSchema
from deltalake.exceptions import DeltaError, TableNotFoundError
from deltalake.transaction import AddAction, create_table_with_add_actions

from qamat_core.store.registry import ATTEMPTS
from qamat_core.store.shards import FileEntry
from schemas.errors import ArtifactError


def commit_table(
    directory: Path, source: Path, schema: pa.Schema, shards: Sequence[FileEntry], key: str
) -> tuple[int, list[FileEntry]]:
    """Make the shards in ``source`` the newest version of the Delta table in ``directory``.

    Shards are linked below ``data/<key>``, so that a crash before the registry row loses no work. A commit with this key that is there already is found again, not repeated.

    Returns:
        The version, and the shards with their paths relative to ``directory``.
    """
    linked = _link(directory, source, shards, key)
    for _ in range(ATTEMPTS):
        try:
            table = DeltaTable(directory)
        except TableNotFoundError:
            table = None
        if table is not None and table.transaction_version(key) is not None:
            return _version_of(table, key), linked
        try:
            _commit(directory, table, schema, linked, key)
        except DeltaError:  # another process committed, or created the table, in between
            continue
    raise ArtifactError(f"{directory}: {ATTEMPTS} other commits got in between; run it again")


def _link(directory: Path, source: Path, shards: Sequence[FileEntry], key: str) -> list[FileEntry]:
    target = directory / "data" / key[:16]
    target.mkdir(parents=True, exist_ok=True)
    for shard in shards:
        if not (target / shard.path).exists():
            os.link(source / shard.path, target / shard.path)
    return [shard.model_copy(update={"path": f"data/{key[:16]}/{shard.path}"}) for shard in shards]


def _version_of(table: DeltaTable, key: str) -> int:
    return next(commit["version"] for commit in table.history() if commit.get("key") == key)


def _commit(
    directory: Path, table: DeltaTable | None, schema: pa.Schema, shards: Sequence[FileEntry], key: str
) -> None:
    properties = CommitProperties(
        custom_metadata={"key": key}, app_transactions=[Transaction(key, 1)], max_commit_retries=0
    )
    delta_schema = DeltaSchema.from_arrow(schema)
    adds = [_add(shard) for shard in shards]
    if table is None:
        create_table_with_add_actions(str(directory), delta_schema, adds, mode="error", commit_properties=properties)
    else:
        table.create_write_transaction([*adds], "overwrite", delta_schema, commit_properties=properties)


def _add(shard: FileEntry) -> AddAction:
    return AddAction(
        path=shard.path,
        size=shard.bytes,
        partition_values={},
        modification_time=int(time.time() * 1000),
        data_change=True,
        stats=json.dumps({"numRecords": shard.rows}),
    )
