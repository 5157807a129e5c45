"""A home in an object store does what a home in a directory does, and a machine with another mirror sees the same."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import duckdb
import obstore
import polars as pl
import pytest
from deltalake import DeltaTable
from obstore.store import from_url

from qamat_core.store import store as store_module
from qamat_core.store.registry import Registry
from qamat_core.store.store import Store
from schemas.errors import ArtifactError, ConfigError, CorruptArtifactError
from tests.object_store import BUCKET, free_port, s3_server
from tests.qamat_core.store.jobs import (
    directory_job,
    make_directory,
    make_table,
    rejects,
    table_build,
    table_job,
)
from tests.qamat_core.store.test_produce import Killed, never, race


@pytest.fixture(scope="module")
def server() -> Iterator[dict[str, str]]:
    with s3_server() as variables:
        yield variables


@pytest.fixture
def url(server: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """The address of an empty home; its mirror is this machine's first."""
    for name, value in server.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("QAMAT_MIRRORS", str(tmp_path / "one"))
    return f"s3://{BUCKET}/{uuid4().hex}"


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, url: str) -> Store:
    """The same home on another machine."""
    with monkeypatch.context() as patch:
        patch.setenv("QAMAT_MIRRORS", str(tmp_path / "two"))
        return Store(url)


def test_what_one_machine_made_another_finds_and_opens(url: str, elsewhere: Store):
    store = Store(url)
    table, directory = make_table(store), make_directory(store)
    assert elsewhere.home != store.home
    assert elsewhere.produce(table_job(), never) == {"rows": table}
    assert elsewhere.produce(directory_job(), never) == {"model": directory}
    assert elsewhere.open_table(table).equals(rejects().cast(elsewhere.open_table(table).schema))
    assert (elsewhere.open_directory(directory) / "weights" / "data").read_bytes() == b"a" * 100
    assert make_table(elsewhere, "b").version == 1
    assert store.newest("rejects", "small").version == 1


def test_a_version_opens_with_plain_readers(url: str):
    ref = make_table(Store(url))
    table = DeltaTable(f"{url}/{ref.uri}", version=ref.version)
    assert pl.read_delta(f"{url}/{ref.uri}").get_column("source").to_list() == ["file:0", "file:1"]
    assert duckdb.from_arrow(table.to_pyarrow_dataset().to_table()).count("*").fetchall() == [(2,)]


@pytest.mark.parametrize("point", [(store_module, "commit_table"), (Registry, "append")])
def test_a_killed_job_is_finished_on_another_machine(
    url: str, elsewhere: Store, monkeypatch: pytest.MonkeyPatch, point: tuple[object, str]
):
    def kill(*args: object, **kwargs: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(*point, kill)
        with pytest.raises(Killed):
            make_table(Store(url))
    assert elsewhere.find(table_job()) is None
    ref = elsewhere.produce(table_job(), table_build())["rows"]
    assert ref.version == 0
    assert Store(url).open_table(ref).num_rows == 2


def test_a_damaged_mirror_is_mended_and_a_damaged_object_refused(url: str, elsewhere: Store):
    store = Store(url)
    ref = make_table(store)
    (shard,) = store.open_shards(ref)
    whole = shard.read_bytes()
    shard.write_bytes(b"gone bad")
    assert Store(url).open_table(ref).num_rows == 2
    assert shard.read_bytes() == whole

    row = store.row(ref)
    objects, path = from_url(url), f"{ref.uri}/{row.files[0].path}"
    obstore.put(objects, path, b"gone bad")
    with pytest.raises(CorruptArtifactError, match="does not have its registered SHA-256"):
        elsewhere.open_table(ref)
    assert f"{url}/{path} does not have its registered SHA-256" in store.faults(row)[0]
    obstore.delete(objects, path)
    assert f"{url}/{path} is missing" in store.faults(row)[0]
    assert shard.read_bytes() == whole, "the last good copy is not touched"


@pytest.mark.parametrize("kind", ["table", "directory"])
def test_of_several_machines_one_makes_the_version(url: str, server: dict[str, str], tmp_path: Path, kind: str):
    refs = race(url, tmp_path, kind, ["a", "a", "a"], server)
    assert len(set(refs)) == 1
    assert len(Store(url).registry.rows()) == 1


@pytest.mark.parametrize("address", ["ftp://x/y", "s3://bucket/a[b]", "s3://", "s3://bucket//a"])
def test_an_address_that_is_none_is_refused(address: str):
    with pytest.raises(ConfigError, match=r"QAMAT_HOME .*: give a directory, or s3://BUCKET/PATH"):
        Store(address)


def test_a_server_that_is_not_there_is_refused_at_once(url: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")
    with pytest.raises(ConfigError, match=r"QAMAT_HOME s3://qamat/nobody: .*; check the address") as refused:
        Store(f"s3://{BUCKET}/nobody")
    assert "\n" not in str(refused.value)


def test_a_bucket_that_is_not_there_is_refused(url: str):
    with pytest.raises(ConfigError, match=r"QAMAT_HOME s3://elsewhere/home: .*; check the address"):
        Store("s3://elsewhere/home")


def test_an_object_that_is_not_written_is_an_error_that_names_it(url: str):
    store = Store(url)
    (store.home / "work" / "file").write_text("here")
    with pytest.raises(ArtifactError, match=f"{url}/work/missing: not written"):
        store.storage.send(["work/file", "work/missing"])
