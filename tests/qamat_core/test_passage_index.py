"""Passages of all shards are found by the words of their title and text, and read by the row of the hit."""

from pathlib import Path

import pyarrow as pa

from qamat_core.passage_index import index_passages, open_index, open_passages
from qamat_core.store.shards import write_shard
from schemas.tables import PASSAGES
from tests.tasks.corpus import passage

TEXTS = ["The fox sleeps.", "A red fox runs.", "Nothing here.", "The fox sleeps."]
ROWS = [passage(number, text) for number, text in enumerate(TEXTS)]


def test_a_hit_names_the_row_of_its_passage(tmp_path: Path):
    tables = [pa.Table.from_pylist(rows, schema=PASSAGES) for rows in (ROWS[2:], ROWS[:2])]
    shards = [tmp_path / write_shard(table, PASSAGES, tmp_path, number).path for number, table in enumerate(tables)]
    index_passages(shards, tmp_path, k1=0.9, b=0.4)
    passages, index = open_passages(tmp_path), open_index(tmp_path)
    assert list(passages.ids) == ["p2", "p3", "p0", "p1"]

    def found(question: str) -> list[tuple[str, str]]:
        return [passages.passage(hit.row) for hit in index.search(question, 3)]

    assert found("which fox is red?")[0] == ("T1", "A red fox runs.")
    assert [title for title, _ in found("who sleeps?")] == ["T0", "T3"]  # a tie: by id, not by row
    assert found("t2") == [("T2", "Nothing here.")]
    assert found("who?") == []
