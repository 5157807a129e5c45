"""A mapped table reads as the table itself, row by row and whole."""

from pathlib import Path

import pyarrow as pa

from qamat_core.columns import map_columns, spread_columns
from qamat_core.store.shards import write_shard
from schemas.tables import PASSAGES
from tests.tasks.corpus import passage

ROWS = [passage(number, f"Text {number}.") for number in range(5)]
SCHEMA = pa.schema([PASSAGES.field("text"), PASSAGES.field("title")])


def test_columns_of_several_shards_read_as_one(tmp_path: Path):
    tables = [pa.Table.from_pylist(rows, schema=PASSAGES) for rows in (ROWS[:2], [], ROWS[2:])]
    shards = [tmp_path / write_shard(table, PASSAGES, tmp_path, number).path for number, table in enumerate(tables)]
    spread_columns(shards, SCHEMA, tmp_path / "columns.arrow")
    texts, titles = map_columns(tmp_path / "columns.arrow")
    assert list(texts) == [row["text"] for row in ROWS]
    assert (titles[3], texts[1:4], len(texts)) == ("T3", ["Text 1.", "Text 2.", "Text 3."], 5)
