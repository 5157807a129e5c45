"""Records become shards of the given size; an empty table still has one."""

from pathlib import Path

import pytest

from qamat_core.batches import TableWriter, to_table, write_tables
from qamat_core.store.shards import read_shard
from schemas.records import Annotation, QAExample


def _examples(count: int) -> list[QAExample]:
    return [QAExample.of(f"question {number}?", ("a", "b"), "d", "s") for number in range(count)]


@pytest.mark.parametrize(("count", "sizes"), [(0, [0]), (3, [3]), (6, [3, 3]), (7, [3, 3, 1])])
def test_a_writer_and_a_table_give_the_same_shards(tmp_path: Path, count: int, sizes: list[int]):
    writer = TableWriter("qa_examples", tmp_path / "stream", 3)
    for record in _examples(count):
        writer.add(record)
    assert writer.rows == count
    streamed = writer.draft(read=count + 2, rejected=2)
    table = to_table(_examples(count), "qa_examples")
    whole = write_tables(table, "qa_examples", tmp_path / "whole", 3, read=count + 2, rejected=2)
    assert [shard.rows for shard in streamed.shards] == sizes
    assert streamed.shards == whole.shards
    assert (streamed.read, streamed.kept, streamed.rejected) == (count + 2, count, 2)
    rows = [row for shard in streamed.shards for row in read_shard(streamed.directory / shard.path).to_pylist()]
    assert rows == table.to_pylist()


def test_columns_follow_the_schema():
    (row,) = to_table([Annotation.of("p", "who?", ("Bo",), 4)], "annotations").to_pylist()
    assert (row["passage_id"], row["answers"], row["start"]) == ("p", ["Bo"], 4)
