"""Rows are found by their ids in whatever order they stand, of several shards, and nothing is left on the disk."""

from pathlib import Path

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from qamat_core.rows_by_id import RowsById
from qamat_core.store.shards import write_shard

SCHEMA = pa.schema([pa.field("passage_id", pa.string(), nullable=False), pa.field("text", pa.string())])


@given(ids=st.lists(st.text(st.characters(exclude_categories=["Cs"])), unique=True), cut=st.integers(0, 9))
def test_every_row_is_found_by_its_id(tmp_path_factory, ids: list[str], cut: int):
    folder: Path = tmp_path_factory.mktemp("rows")
    rows = [{"passage_id": row_id, "text": f"text of {row_id}"} for row_id in ids]
    parts = (rows[:cut], rows[cut:])
    entries = [
        write_shard(pa.Table.from_pylist(part, SCHEMA), SCHEMA, folder, number) for number, part in enumerate(parts)
    ]
    work = folder / "work"
    work.mkdir()
    found = RowsById([folder / entry.path for entry in entries], SCHEMA, work)
    assert list(work.iterdir()) == []
    assert [found.row_of(row_id) for row_id in ids] == list(range(len(ids)))
    assert [found.find(row_id) for row_id in ids] == rows
    assert len(found) == len(ids)
    assert found.find("\N{GRINNING FACE} nobody") is None
