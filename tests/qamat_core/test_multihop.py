"""Mining follows Appendix D's string matches on cases that can be read."""

from collections.abc import Sequence
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qamat_core.memory_columns import MemoryColumns
from qamat_core.multihop import HopMiner
from qamat_core.overlap import PairOverlap
from qamat_core.text import normalize_answer, word_tokens
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
    return _memory(ENTRIES)


def _memory(entries: Sequence[tuple[str, str, str, str | None]]) -> MemoryColumns:
    ids, questions, answers, passages = (list(column) for column in zip(*entries, strict=True))
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


def test_a_question_that_stands_in_the_memory_can_be_kept_from_its_own_pair(memory: MemoryColumns):
    miner = HopMiner(memory, MultihopConfig(hops=1, ban_own_entries=True))
    found = miner.mine("Where was Bela Rik born", ["Dorvan"])
    assert found is not None
    assert memory.ids[found.final] == "birthplace"
    assert miner.mine("who founded the Silent Works", ["Bela Rik"]) != found
    assert miner.mine("Who wrote The Silent Kermol?", ["Marel Toskin"]) is None


def test_a_far_entry_can_be_refused_its_place_counted_among_all(memory: MemoryColumns):
    question, answers = "where was Bela Rik born?", ["1900"]
    found = [HopMiner(memory, MultihopConfig(hops=1, nearest=near)).mine(question, answers) for near in (4, 5, None)]
    assert [mined and memory.ids[mined.final] for mined in found] == [None, "year-a", "year-a"]


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


def test_two_things_said_of_the_answer_are_an_intersection():
    entries = [
        ("film", "which actor stars in Red Kite?", "Al Bo", "kite"),
        ("prize", "which actor won the Golden Wheel?", "Al Bo", "wheel"),
        ("prize-too", "which actor won the Golden Wheel twice?", "Al Bo", "kite"),
    ]
    found = _mine(_memory(entries), "which actor of Red Kite won the Golden Wheel?", "Al Bo")
    assert found is not None
    assert found[2] == "intersection"
    assert {*found[:2]} == {"film", "prize"}


def test_an_entry_that_says_nothing_new_makes_no_intersection():
    twins = [("a", "where was Bela Rik born?", "Dorvan", "bela"), ("b", "where was Marel born?", "Dorvan", "marel")]
    assert _mine(_memory(twins), "where was Bela Rik born?", "Dorvan") == (None, "a", "final-only")


def test_words_that_both_entries_share_count_once():
    entries = [
        ("final", "who leads the town of Dorf?", "Eva", "dorf"),
        ("same", "who leads the town next to Lake Ull?", "Dorf", "x"),
        ("other", "which place lies by Lake Ull?", "Dorf", "y"),
        *((f"filler-{n}", f"what is number {n}?", str(n), None) for n in range(20)),
    ]
    assert _mine(_memory(entries), "who leads the town that lies by Lake Ull?", "Eva") == ("other", "final", "bridge")


@pytest.mark.parametrize(("gold", "rows"), [("Bela Rik", ("year-a", "year-b")), ("Marel Toskin", ("year-b", "year-a"))])
def test_the_gold_name_of_a_comparison_is_the_final_entry(memory: MemoryColumns, gold: str, rows: tuple[str, str]):
    assert _mine(memory, "when was who born first, Marel Toskin or Bela Rik?", gold) == (*rows, "comparison")


def test_a_gold_answer_in_the_question_is_no_comparison_without_a_second_name(memory: MemoryColumns):
    found = _mine(memory, "in which city, Dorvan or another, was the author of The Silent Kermol born?", "Dorvan")
    assert found == ("author", "birthplace", "bridge")


WORDS = st.sampled_from(["al", "bo", "cy", "dee", "eve", "fay"])
TEXTS = st.lists(WORDS, min_size=1, max_size=4).map(" ".join)


@given(
    entries=st.lists(st.tuples(TEXTS, WORDS, st.sampled_from(["p", "q", None])), min_size=1, max_size=12),
    question=TEXTS,
    gold=WORDS.filter(lambda word: word != "al"),
)
def test_the_bridge_found_is_the_best_of_all_pairs(
    entries: list[tuple[str, str, str | None]], question: str, gold: str
):
    """Against every pair, tried one by one."""
    memory = _memory([(f"{row:02d}", *entry) for row, entry in enumerate(entries)])
    overlap = PairOverlap(memory.ids, memory.questions, k1=0.9, b=0.4)
    scores, asked = overlap.scores(question), set(word_tokens(question))
    pairs = [
        (-round(float(scores[first] + scores[final] - overlap.shared(asked, first, final)), 4), first, final)
        for first, final in product(range(len(memory)), repeat=2)
        if memory.normalized[final] == gold
        and memory.elsewhere(first, final)
        and memory.normalized[first] in normalize_answer(memory.questions[final]).split()
        and memory.normalized[first] not in normalize_answer(question).split()
    ]
    found = HopMiner(memory, MultihopConfig()).mine(question, [gold])
    if found is not None and found.tier == "bridge":
        assert (-found.score, found.first, found.final) == min(pairs)
    elif found is None or found.tier == "final-only":
        assert not pairs
    else:
        assert found.tier == "intersection"
        assert not pairs or -found.score < min(pairs)[0]
