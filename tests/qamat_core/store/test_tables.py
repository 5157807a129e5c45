"""A version of a table is an ordinary Delta table and ordinary Parquet: other readers open it without us."""

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable

from qamat_core.store.shards import write_shard
from qamat_core.store.store import Store, TableDraft
from schemas.artifacts import ArtifactRef
from schemas.tables import REJECTS
from tests.qamat_core.store.jobs import RejectsConfig, make_table, table_job


@pytest.fixture
def versions(store: Store) -> list[ArtifactRef]:
    """Two versions of one table, of 2 and 3 rows."""
    return [make_table(store, "a", rows=2), make_table(store, "b", rows=3)]


@pytest.mark.parametrize("version", [0, 1])
def test_a_version_opens_with_plain_readers(store: Store, versions: list[ArtifactRef], version: int):
    ref = versions[version]
    uri = str(store.home / ref.uri)
    ours = store.open_table(ref).to_pylist()
    assert DeltaTable(uri, version=version).to_pyarrow_table().to_pylist() == ours
    assert pl.read_delta(uri, version=version).to_dicts() == ours
    files = DeltaTable(uri, version=version).file_uris()
    found = duckdb.sql(f"select * from read_parquet({files!r}) order by source").fetchall()
    assert found == [tuple(row.values()) for row in ours]


def test_the_newest_delta_version_holds_the_newest_rows_alone(store: Store, versions: list[ArtifactRef]):
    table = DeltaTable(store.home / versions[1].uri)
    assert table.version() == versions[1].version == 1
    assert table.to_pyarrow_table()["record"].to_pylist() == ["b", "b", "b"]


def test_shards_keep_their_order(store: Store):
    def build(work):
        rows = [pa.table({name: [f"{n}"] for name in REJECTS.names}) for n in range(12)]
        shards = tuple(write_shard(table, REJECTS, work, index) for index, table in enumerate(rows))
        return {"rows": TableDraft(work, shards, read=12, kept=12)}

    ref = store.produce(table_job(RejectsConfig(rows=12)), build)["rows"]
    assert store.open_table(ref)["source"].to_pylist() == [str(n) for n in range(12)]
    assert len(store.open_shards(ref)) == 12
    assert store.row(ref).rows == 12


def test_some_columns_can_be_read_alone(store: Store):
    assert store.open_table(make_table(store), ["record"]).column_names == ["record"]


def test_an_empty_table_has_its_columns(store: Store):
    assert store.open_table(make_table(store, rows=0)).schema == REJECTS


def test_pages_carry_checksums(store: Store):
    """Another reader that verifies page checksums finds them."""
    (path,) = store.open_shards(make_table(store))
    assert pq.ParquetFile(path, page_checksum_verification=True).read().num_rows == 2
