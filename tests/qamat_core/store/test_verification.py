"""Damage: every flipped bit is named, nothing damaged is read, what is discarded is made again."""

from contextlib import suppress
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qamat_core.store.shards import read_shard, write_shard
from qamat_core.store.store import Store
from qamat_core.store.verification import file_faults, page_faults
from schemas.artifacts import ArtifactRef
from schemas.errors import CorruptArtifactError, MissingArtifactError
from schemas.tables import REJECTS, TABLES
from tests.qamat_core.store.jobs import make_directory, make_table, rejects


def flip(path: Path, position: float) -> None:
    """Flip one bit at a share of the file's length."""
    data = bytearray(path.read_bytes())
    data[int(position * len(data))] ^= 1
    path.write_bytes(data)


def files_of(store: Store, ref: ArtifactRef) -> list[Path]:
    row = store.row(ref)
    return [store.home / ref.uri / file.path for file in row.files]


@pytest.mark.parametrize("make", [make_table, make_directory])
@pytest.mark.parametrize("position", [0.0, 0.3, 0.6, 0.999])
def test_a_flipped_bit_is_named_and_never_read(store: Store, make, position: float):
    ref = make(store)
    for path in files_of(store, ref):
        intact = path.read_bytes()
        flip(path, position)
        fresh = Store(store.home)
        assert [str(path) in fault for fault in file_faults(store.home, store.row(ref))] == [True]
        with pytest.raises(CorruptArtifactError, match=path.name):
            fresh.open_table(ref) if ref.kind in TABLES else fresh.open_directory(ref)
        path.write_bytes(intact)
    assert file_faults(store.home, store.row(ref)) == []


@pytest.mark.parametrize("make", [make_table, make_directory])
def test_a_missing_file_is_named(store: Store, make):
    ref = make(store)
    path = files_of(store, ref)[0]
    path.unlink()
    assert [f"{path} is missing" in fault for fault in file_faults(store.home, store.row(ref))] == [True]


def test_a_file_that_nobody_registered_is_named(store: Store):
    ref = make_directory(store)
    (store.home / ref.uri / "weights" / "extra").touch()
    with pytest.raises(CorruptArtifactError, match="extra is not registered"):
        store.open_directory(ref)


def test_page_checksums_are_verified_beside_the_digests(store: Store):
    ref = make_table(store, text="some text that is long enough to stand in a page of its own")
    assert page_faults(store.home, store.row(ref)) == []
    path = files_of(store, ref)[0]
    chunk = pq.ParquetFile(path).metadata.row_group(0).column(1)
    data = bytearray(path.read_bytes())
    data[chunk.dictionary_page_offset + chunk.total_compressed_size - 3] ^= 1
    path.write_bytes(data)
    (fault,) = page_faults(store.home, store.row(ref))
    assert str(path) in fault
    assert "CRC" in fault


@settings(max_examples=60, deadline=None)
@given(position=st.floats(0, 0.999), column=st.sampled_from([0, 1, 2]))
def test_a_bit_flipped_in_a_page_after_opening_is_never_read_silently(tmp_path_factory, position: float, column: int):
    """The SHA-256 is verified once at opening; from then on the page checksums guard."""
    directory = tmp_path_factory.mktemp("shard")
    rows = pa.table({name: [f"{name} {n}" for n in range(50)] for name in REJECTS.names}, schema=REJECTS)
    path = directory / write_shard(rows, REJECTS, directory, 0).path
    chunk = pq.ParquetFile(path).metadata.row_group(0).column(column)
    start = chunk.dictionary_page_offset or chunk.data_page_offset
    data = bytearray(path.read_bytes())
    data[start + int(position * chunk.total_compressed_size)] ^= 1
    path.write_bytes(data)
    with suppress(CorruptArtifactError):
        assert read_shard(path).equals(rows)


def test_what_is_removed_from_the_registry_is_made_again(store: Store):
    ref, other = make_table(store, "a"), make_table(store, "b")
    flip(files_of(store, ref)[0], 0.5)
    store.registry.remove([ref.key])
    with pytest.raises(MissingArtifactError):
        store.open_table(ref)
    assert make_table(store, "a") == ref
    assert store.open_table(ref)["record"].to_pylist() == ["a", "a"]
    assert store.newest("rejects", "small") == other


def test_a_directory_made_again_serves_the_old_reference(store: Store):
    ref = make_directory(store, "a")
    flip(files_of(store, ref)[0], 0.5)
    store.registry.remove([ref.key])
    assert make_directory(store, "a") == ref
    assert (store.open_directory(ref) / "card.json").read_text() == "a"


def test_a_damaged_registry_is_named(store: Store):
    make_table(store, rows=3)
    (file,) = (store.home / "registry").glob("*.parquet")
    table = pq.read_table(file)
    record = table["record"][0].as_py().replace('"rows":3', '"rows":2')
    changed = table.set_column(table.column_names.index("record"), "record", pa.array([record]))
    pq.write_table(changed, file)
    with pytest.raises(CorruptArtifactError, match=f"{file.name}: a registry row does not have its SHA-256"):
        Store(store.home).registry.rows()


def test_a_reference_of_another_home_is_refused(store: Store, tmp_path: Path):
    ref = make_table(Store(tmp_path / "other"), "b")
    make_table(store, "a")
    with pytest.raises(MissingArtifactError, match="rejects/small@0 is not registered in"):
        store.open_table(ref)


def test_writing_the_same_rows_again_gives_the_same_file(tmp_path: Path):
    first, second = (write_shard(rejects(), REJECTS, tmp_path, 3) for _ in range(2))
    assert first == second
    assert [path.name for path in tmp_path.iterdir()] == [first.path]


def test_a_null_where_none_may_be_is_refused(tmp_path: Path):
    rows = pa.table({"source": ["a"], "record": pa.array([None], pa.string()), "reason": ["b"]})
    with pytest.raises(CorruptArtifactError, match="column record: 1 nulls"):
        write_shard(rows, REJECTS, tmp_path, 0)
