"""A question leads from the entity that it names to its answer; a graph grows from there, no larger than it may be."""

from pathlib import Path

import pyarrow as pa
import pytest

from qamat_core.entity_graph import Drawing, key_of
from qamat_core.scanned_rows import ScannedRows
from qamat_core.store.shards import write_shard

SCHEMA = pa.schema([pa.field(name, pa.string(), nullable=False) for name in ("qa_id", "question", "answer")])
PAIRS = [
    ("Who directed Inception?", "Christopher Nolan"),
    ("Where was the director of Inception, Christopher Nolan, born?", "London"),
    ("which river flows through london", "Thames"),
    ("What is the capital of England?", "London"),
    ("What happened in 1970?", "many things"),
    ("Who was the first to swim the Thames?", "1970"),
]
TITLES = {0: "Inception (film)", 1: "Christopher Nolan", 3: "United Kingdom"}


def draw(folder: Path, most: int = 20, pairs: list[tuple[str, str]] = PAIRS) -> Drawing:
    rows = [{"qa_id": f"q{n}", "question": question, "answer": answer} for n, (question, answer) in enumerate(pairs)]
    entry = write_shard(pa.Table.from_pylist(rows, SCHEMA), SCHEMA, folder, 0)
    (folder / "work").mkdir()
    return Drawing(ScannedRows([folder / entry.path], SCHEMA, folder / "work"), TITLES.get, most)


def ways(drawing: Drawing) -> dict[int, tuple[str | None, str]]:
    return {drawn.row: (drawn.head, drawn.tail) for drawn in drawing.drawn.values()}


def test_the_entity_of_a_question(tmp_path: Path):
    drawing = draw(tmp_path)
    drawing.begin(range(6))
    assert ways(drawing) == {
        0: ("Inception", "Christopher Nolan"),  # the title, without what tells it from others
        1: ("Christopher Nolan", "London"),  # the title, though a longer phrase stands there
        2: ("London", "Thames"),  # an answer elsewhere, spelt as there
        3: (None, "London"),  # names nothing that the memory knows
        4: (None, "many things"),  # a number alone is no name
        5: ("Thames", "1970"),
    }


def test_it_grows_from_both_ends_and_stops_after_its_hops(tmp_path: Path):
    drawing = draw(tmp_path)
    drawing.grow(["london"], 1)
    assert set(drawing.drawn) == {1, 2, 3}
    drawing.grow([key_of("Thames"), key_of("Christopher  Nolan")], 1)
    assert set(drawing.drawn) == {0, 1, 2, 3, 5}
    assert drawing.left_out == 0


@pytest.mark.parametrize("most", [1, 2])
def test_it_is_no_larger_than_it_may_be(tmp_path: Path, most: int):
    drawing = draw(tmp_path, most)
    drawing.grow(["london"], 2)
    assert len(drawing.drawn) == most
    assert drawing.left_out == 3 - most


def test_a_frequent_entity_leaves_room_for_others(tmp_path: Path):
    pairs = [(f"What did Ada do in the year {year}?", f"thing {year}") for year in range(50)] + [
        ("Who met Bela?", "Cleo")
    ]
    drawing = draw(tmp_path, 4, pairs)
    drawing.grow(["ada", "bela"], 1)
    assert 50 in drawing.drawn
    assert drawing.left_out == 47


def test_a_search_that_finds_nothing_draws_nothing(tmp_path: Path):
    drawing = draw(tmp_path)
    drawing.grow(["atlantis"], 2)
    assert drawing.drawn == {}
