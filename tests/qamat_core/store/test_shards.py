from pathlib import Path

import pyarrow as pa

from qamat_core.store.shards import read_rows, write_shard
from schemas.tables import REJECTS


def test_a_column_that_came_later_is_null_in_an_older_shard(tmp_path: Path) -> None:
    old = pa.Table.from_pylist([{"source": "s", "record": "r", "reason": "why"}], schema=REJECTS)
    shard = write_shard(old, REJECTS, tmp_path, 0)
    later = pa.schema([*REJECTS, pa.field("margin", pa.float32())])
    read = read_rows(tmp_path / shard.path, later)
    assert read.schema == later
    assert read.to_pylist() == [{"source": "s", "record": "r", "reason": "why", "margin": None}]
    some = pa.schema([later.field("margin"), later.field("record")])
    assert read_rows(tmp_path / shard.path, some).to_pylist() == [{"margin": None, "record": "r"}]
