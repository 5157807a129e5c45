"""Mining follows Appendix D's string matches on cases that can be read."""

import pytest

from qamat_core.memory_columns import MemoryColumns
from qamat_core.multihop import HopMiner
from schemas.corpus import MultihopConfig

ENTRIES = [  # id, question, answer, passage
    ("author", "who wrote The Silent Kermol?", "Marel Toskin", "book"),
    ("birthplace", "where was Marel Toskin born?", "Dorvan", "marel"),
    ("other-birthplace", "where was Bela Rik born?", "Dorvan", "bela"),
    ("same-passage", "who is the friend of Bela Rik?", "Bela Rik", "bela"),
    ("year-a", "when was Marel Toskin born?", "1900", "marel"),
    ("year-b", "when was Bela Rik born?", "1910", "bela"),
    ("founder", "who founded the Silent Works?", "Bela Rik", None),
]


@pytest.fixture(scope="module")
def memory() -> MemoryColumns:
    ids, questions, answers, passages = (list(column) for column in zip(*ENTRIES, strict=True))
    return MemoryColumns(ids, questions, answers, [[] for _ in ids], passages, [0 for _ in ids])  # pyright: ignore


def _mine(memory: MemoryColumns, question: str, *answers: str, hops: int = 2) -> tuple[str | None, str, str] | None:
    found = HopMiner(memory, MultihopConfig.model_validate({"hops": hops})).mine(question, answers)
    if found is None:
        return None
    return None if found.first is None else memory.ids[found.first], memory.ids[found.final], found.tier


def test_a_bridge_leads_over_an_entity_that_the_question_does_not_name(memory: MemoryColumns):
    found = _mine(memory, "in which city was the author of The Silent Kermol born?", "dorvan", "Elsewhere")
    assert found == ("author", "birthplace", "bridge")


def test_a_named_entity_is_no_bridge(memory: MemoryColumns):
    assert _mine(memory, "where was Marel Toskin born?", "Dorvan") == ("founder", "other-birthplace", "bridge")
    assert _mine(memory, "when was Marel Toskin, who wrote it, born?", "1900") == (None, "year-a", "final-only")


def test_an_entry_of_the_final_ones_passage_is_no_bridge(memory: MemoryColumns):
    assert _mine(memory, "when was the friend born?", "1910") == ("founder", "year-b", "bridge")


def test_one_hop_takes_the_nearest_entry_with_the_answer(memory: MemoryColumns):
    assert _mine(memory, "where was Bela Rik born?", "Dorvan", hops=1) == (None, "other-birthplace", "final-only")


@pytest.mark.parametrize(
    ("question", "answer"),
    [("was Marel Toskin born before Bela Rik?", "yes"), ("who was born first, Marel Toskin or Bela Rik?", "Bela Rik")],
)
def test_a_comparison_needs_an_entry_for_each(memory: MemoryColumns, question: str, answer: str):
    found = _mine(memory, question, answer)
    assert found is not None
    assert found[2] == "comparison"
    passages = {memory.passages[memory.ids.index(qa_id)] for qa_id in found[:2] if qa_id}
    assert passages == {"marel", "bela"}


def test_an_answer_that_no_entry_has_finds_nothing(memory: MemoryColumns):
    assert _mine(memory, "where was Marel Toskin born?", "Nowhere") is None
    assert _mine(memory, "where was Marel Toskin born?", "the") is None
