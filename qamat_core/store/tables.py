"""Versions of tables: one Delta table a (kind, name), one commit a version, idempotent by key."""

import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from uuid import uuid4

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, Transaction
from deltalake import Schema as DeltaSchema
from deltalake.exceptions import DeltaError
from deltalake.transaction import AddAction, create_table_with_add_actions

from qamat_core.store.registry import ATTEMPTS, open_delta
from qamat_core.store.shards import FileEntry, table_digest
from qamat_core.store.space import is_full
from qamat_core.store.storage import Storage
from schemas.errors import ArtifactError


def commit_table(
    storage: Storage, path: str, source: Path, schema: pa.Schema, shards: Sequence[FileEntry], key: str
) -> tuple[int, list[FileEntry]]:
    """Make the shards in ``source`` the newest version of the Delta table at ``path`` of the storage.

    Shards are linked below ``data/<key>``, so that a crash before the registry row loses no work. A commit of this
    key with this content that is there already is found again, not repeated.

    Returns:
        The version, and the shards with their paths relative to ``path``.
    """
    address = storage.address(path)
    linked = _link(storage.directory / path, source, shards, key)
    storage.send(f"{path}/{shard.path}" for shard in linked)
    commit = f"{key}-{table_digest(shards)}"
    for _ in range(ATTEMPTS):
        table = open_delta(address)
        if table is not None and (version := table.transaction_version(commit)) is not None:
            return version, linked
        try:
            _commit(address, table, schema, linked, commit)
        except DeltaError as error:  # another process committed, or created the table, in between
            if is_full(error):
                raise
            continue
    raise ArtifactError(f"{address}: {ATTEMPTS} other commits got in between; run it again")


def _link(directory: Path, source: Path, shards: Sequence[FileEntry], key: str) -> list[FileEntry]:
    target = directory / "data" / key[:16]
    target.mkdir(parents=True, exist_ok=True)
    for shard in shards:
        path = target / shard.path
        if not (path.exists() and path.samefile(source / shard.path)):  # also over a file that has gone bad
            temporary = target / f".{uuid4().hex}.tmp"
            os.link(source / shard.path, temporary)
            temporary.replace(path)
    return [shard.model_copy(update={"path": f"data/{key[:16]}/{shard.path}"}) for shard in shards]


def _commit(
    address: str, table: DeltaTable | None, schema: pa.Schema, shards: Sequence[FileEntry], commit: str
) -> None:
    # Without retries a commit lands at this version or fails: the transaction remembers it.
    version = 0 if table is None else table.version() + 1
    properties = CommitProperties(app_transactions=[Transaction(commit, version)], max_commit_retries=0)
    delta_schema = DeltaSchema.from_arrow(schema)
    adds = [_add(shard) for shard in shards]
    sys.audit("qamat.commit", address)  # as in qamat_core.store.registry
    if table is None:
        create_table_with_add_actions(
            address,
            delta_schema,
            adds,
            mode="error",
            configuration={"delta.logRetentionDuration": "interval 36500 days"},  # old versions stay readable
            commit_properties=properties,
        )
    else:
        table.create_write_transaction([*adds], "overwrite", delta_schema, commit_properties=properties)
    sys.audit("qamat.committed", address)


def _add(shard: FileEntry) -> AddAction:
    return AddAction(
        path=shard.path,
        size=shard.bytes,
        partition_values={},
        modification_time=int(time.time() * 1000),
        data_change=True,
        stats=json.dumps({"numRecords": shard.rows}),
    )
