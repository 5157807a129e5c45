"""A memory in a mapped file says the same as one in lists."""

from pathlib import Path

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from qamat_core.memory_columns import MemoryColumns, RowsOfPassages
from qamat_core.store.shards import write_shard
from schemas.tables import QA_PAIRS
from tests.tasks.corpus import pair

PAIRS = [
    pair("b", "where?", "Dorf", "p2", 3, aliases=["the Dorf", "Stad"]),
    pair("a", "who?", "Bo", "p10", 0),
    pair("c", "when?", "1900"),
    pair("d", "why?", "", "p2", 9),
]


def _shards(folder: Path) -> list[Path]:
    tables = [pa.Table.from_pylist(rows, schema=QA_PAIRS) for rows in (PAIRS[:2], [], PAIRS[2:])]
    return [folder / write_shard(table, QA_PAIRS, folder, number).path for number, table in enumerate(tables)]


def test_a_mapped_memory_equals_one_in_lists(tmp_path: Path):
    lists = MemoryColumns.read(_shards(tmp_path))
    mapped = MemoryColumns.spread(_shards(tmp_path), tmp_path / "columns.arrow")
    assert len(mapped) == len(lists) == 4
    for name in ("ids", "questions", "answers", "aliases", "passages", "starts"):
        column = getattr(mapped, name)
        assert list(column) == column[0:4] == [column[row] for row in range(4)] == getattr(lists, name)
    for memory in (lists, mapped):
        assert memory.answers_of(0) == {"dorf", "stad"}
        assert memory.with_answer["dorf"] == [0]
        assert memory.row_of["c"] == 2
        assert [memory.of_passage.get(name) for name in ("p2", "p10", "p1")] == [[0, 3], [1], []]


def test_an_empty_memory_has_no_rows(tmp_path: Path):
    memory = MemoryColumns.spread([], tmp_path / "columns.arrow")
    assert len(memory) == 0
    assert memory.of_passage.get("p") == []


@given(st.lists(st.none() | st.text("aé\U0001d7d9b", max_size=2), max_size=20), st.text("aé\U0001d7d9b", max_size=2))
def test_rows_are_those_of_the_passage(passages: list[str | None], asked: str):
    assert RowsOfPassages(passages).get(asked) == [row for row, name in enumerate(passages) if name == asked]
