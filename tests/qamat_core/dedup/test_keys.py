"""Keys of whole columns are those of their rows, on any text; hashes are as documented."""

import polars as pl
from hypothesis import example, given, settings
from hypothesis import strategies as st

from qamat_core.dedup.keys import near_keys, question_keys, stable_hashes
from qamat_core.text import normalize_question


@given(st.lists(st.text(max_size=30), max_size=8))
@settings(deadline=None)
@example(["\u0130s ΑΣ?", "Caf\u00e9  .!", "\x1c a\u2003b\x0b", "who?", " ?"])
def test_keys_are_normalised_questions(questions: list[str]):
    frame = pl.DataFrame({"question": questions}, schema={"question": pl.String})
    assert question_keys(frame).to_list() == [normalize_question(question) for question in questions]


def _hash(text: str) -> int:
    """The documented hash, in integers of Python."""
    data, mask = text.encode(), 2**64 - 1
    value = len(data)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        value = ((value ^ (value >> shift)) * factor) & mask
    value ^= value >> 31
    for place in range(0, len(data), 8):
        value = ((value ^ int.from_bytes(data[place : place + 8], "little")) * 0x9E3779B97F4A7C15) & mask
        value ^= value >> 32
    return value


@given(st.lists(st.text(max_size=30), max_size=8), st.integers(0, 3))
@settings(deadline=None)
def test_hashes_are_as_documented(texts: list[str], skipped: int):
    column = pl.Series(texts, dtype=pl.String)[skipped:]
    assert stable_hashes(column).tolist() == [_hash(text) for text in texts[skipped:]]


def test_hashes_are_the_same_on_every_machine():
    assert stable_hashes(pl.Series(["", "who was born in Paris"])).tolist() == [0, 14389385270806064584]


def test_every_character_that_is_done_quickly_is_normalised_alike():
    questions = [f"A{chr(code)}b{chr(code)}" for code in range(0x300)]
    assert question_keys(pl.DataFrame({"question": questions})).to_list() == list(map(normalize_question, questions))


def test_near_keys_hold_answer_names_and_numbers():
    questions = [
        "Which country is Lyon in?",
        "In Which country is Lyon?",
        "Which country is lyon in?",
        "Is 7 odd, Kim?",
    ]
    pairs = pl.DataFrame({"question": questions, "answer": ["France", "the france", "France", "yes"]})
    assert near_keys(pairs).to_list() == ["france\x1fLyon", "france\x1fLyon Which", "france\x1f", "yes\x1f7 Kim"]
