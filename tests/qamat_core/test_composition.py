"""Questions of a memory's own, on cases that can be read."""

from dataclasses import replace

import pytest

from qamat_core.composition import compose
from qamat_core.memory_columns import MemoryColumns
from schemas.corpus import ComposeConfig

ENTRIES = [  # id, question, answer, passage
    ("author", "who wrote The Silent Kermol?", "Marel Toskin", "book"),
    ("birthplace", "where was Marel Toskin born?", "Dorvan", "marel"),
    ("favourite", "what did Marel Toskin read?", "The Silent Kermol", "marel"),
    ("river", "which river flows through Dorvan?", "Sirune", "dorvan"),
    ("founder", "who set up Dorvan Works?", "Bela Rik", "works"),
]


@pytest.fixture(scope="module")
def memory() -> MemoryColumns:
    ids, questions, answers, passages = (list(column) for column in zip(*ENTRIES, strict=True))
    return MemoryColumns(ids, questions, answers, [[] for _ in ids], passages, [0 for _ in ids])  # pyright: ignore


def _compose(memory: MemoryColumns, final: str, **config: int) -> list[tuple[str, str | None]]:
    found = compose(memory, memory.row_of[final], ComposeConfig.model_validate({"hops": 2, **config}))
    return [(made.question, None if made.first is None else memory.ids[made.first]) for made in found]


def test_one_hop_is_the_entrys_own_question(memory: MemoryColumns):
    assert _compose(memory, "river", hops=1) == [("which river flows through Dorvan?", None)]


def test_the_first_entrys_question_takes_the_place_of_its_answer(memory: MemoryColumns):
    assert _compose(memory, "river") == [("which river flows through where was Marel Toskin born?", "birthplace")]
    assert _compose(memory, "birthplace") == [("where was who wrote The Silent Kermol born?", "author")]


def test_an_article_before_the_answer_goes_with_it(memory: MemoryColumns):
    assert _compose(memory, "author") == [("who wrote what did Marel Toskin read?", "favourite")]


def test_an_entry_of_the_same_passage_or_none_composes_nothing(memory: MemoryColumns):
    apart = _compose(memory, "favourite")
    assert apart == [("what did who wrote The Silent Kermol read?", "author")]
    together = replace(memory, passages=["same"] * len(memory))
    assert _compose(together, "favourite") == []


def test_at_most_so_many_entries_take_one_place(memory: MemoryColumns):
    names = [f"where does number {n} live?" for n in range(12)]
    crowd = MemoryColumns(
        [*(f"b{n:02}" for n in range(12)), "z"],
        [*names, "which river flows through Dorvan?"],
        [*["Dorvan"] * 12, "Sirune"],
        [[]] * 13,
        [None] * 13,
        [None] * 13,
    )
    assert [first for _, first in _compose(crowd, "z", firsts_per_final=3)] == ["b00", "b01", "b02"]
