"""The registry: what is known of each version."""

import json

import duckdb
import pytest
from deltalake import DeltaTable

from qamat_core.store.provenance import flow_run_id
from qamat_core.store.store import Store
from schemas.errors import MissingArtifactError
from tests.qamat_core.store.jobs import MODULE, make_directory, make_table


def test_a_row_tells_where_an_artifact_comes_from(store: Store):
    token = flow_run_id.set("run-7")
    passages = make_table(store, name="passages")
    flow_run_id.reset(token)
    ref = make_table(store, "b", rows=3, passages=passages)
    row = store.row(ref)
    assert row.inputs == {"passages": passages}
    assert json.loads(row.config) == {"text": "b", "rows": 3}
    assert (row.module, row.read, row.kept, row.rejected, row.rows) == (MODULE, 3, 3, 0, 3)
    assert row.bytes == sum(path.stat().st_size for path in store.open_shards(ref))
    assert (store.row(passages).flow_run_id, row.flow_run_id) == ("run-7", "")
    assert len(row.pins) == 64
    assert row.git_commit
    assert row.created.tzinfo is not None


def test_rows_come_oldest_first(store: Store):
    refs = [make_table(store, "b"), make_directory(store), make_table(store, "a")]
    assert [row.ref for row in Store(store.home).registry.rows()] == refs


def test_a_name_that_is_not_there_is_answered_with_those_that_are(store: Store):
    make_directory(store, name="reader")
    make_directory(store, name="generator")
    with pytest.raises(MissingArtifactError, match=r"^checkpoint/raeder is not registered; .*: generator, reader$"):
        store.newest("checkpoint", "raeder")
    with pytest.raises(MissingArtifactError, match=r"^checkpoint/reader@4 is not registered"):
        store.newest("checkpoint", "reader", 4)
    with pytest.raises(MissingArtifactError, match=r"names of kind tokenizer: none$"):
        store.newest("tokenizer", "reader")


def test_a_store_sees_what_another_registers_later(store: Store):
    other = Store(store.home)
    assert other.registry.rows() == []
    ref = make_table(store)
    assert other.newest("rejects", "small") == ref


def test_people_can_ask_the_registry_with_sql(store: Store):
    make_table(store, "a")
    make_table(store, "b")
    files = DeltaTable(store.home / "registry").file_uris()
    found = duckdb.sql(f"select kind, name, max(version) from read_parquet({files!r}) group by all").fetchall()
    assert found == [("rejects", "small", 1)]
