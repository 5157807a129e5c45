"""The extractive reader reads what FiD reads, and knows where the context and its answers stand."""

import numpy as np

from qamat_core.fid.examples import passage_inputs
from qamat_core.passages.extractive_examples import answer_spans, span_inputs, span_text
from schemas.fid import Reading
from schemas.records import Passage
from tests.qamat_core.qamat import tiny

READING = Reading(passages=3, passage_length=80, question_length=30, target_length=4, rank_marks=True)
PEOPLE = [
    Passage.of("test", name, name, f"{name} lives in {town}, {town}?")
    for name, town in zip(tiny.PEOPLE[:4], tiny.TOWNS, strict=False)
]
ASKED = "Where does Bela live?"


def spans(
    passages: list[Passage], *answers: str, reading: Reading = READING, longest: int = 10
) -> list[tuple[int, ...]]:
    return answer_spans(ASKED, passages, answers, "orqa", tiny.tokenizer(), reading, longest)


def test_the_inputs_are_those_of_fid_and_the_context_begins_behind_its_title():
    asked = [ASKED, "Ada?"]
    read = span_inputs(asked, [PEOPLE, PEOPLE[:1]], tiny.tokenizer(), READING)
    np.testing.assert_array_equal(read.tokens, passage_inputs(asked, [PEOPLE, PEOPLE[:1]], tiny.tokenizer(), READING))
    for row, first, passage in zip(read.tokens[0], read.begins[0], PEOPLE, strict=False):
        assert tiny.tokenizer().decode(row[first:]) == passage.text
    assert read.begins[1, 1:].tolist() == [80, 80]


def test_spans_are_where_answers_stand_in_the_context():
    found = spans(PEOPLE[:3], "stad", "Dorf")
    assert [passage for passage, _, _ in found] == [0, 0, 1, 1]
    texts = [span_text(ASKED, PEOPLE[one], first, last, tiny.tokenizer(), READING) for one, first, last in found]
    assert [text.rstrip(",?") for text in texts] == ["Dorf", "Dorf", "Stad", "Stad"]
    read = span_inputs([ASKED], [PEOPLE], tiny.tokenizer(), READING)
    for passage, first, last in found:
        assert read.begins[0, passage] <= first <= last
        assert tiny.tokenizer().decode(read.tokens[0, passage, first : last + 1]).rstrip(",?") in ("Dorf", "Stad")


def test_what_is_not_read_gives_no_span():
    assert spans(PEOPLE, "Burg") == [], "it stands in the fourth passage"
    assert spans(PEOPLE[:1], "Ada") != []
    assert spans([Passage.of("test", "x", "Stad", "Nothing.")], "Stad") == [], "a title is no context"
    assert spans(PEOPLE[1:2], "Stad", longest=1) == []
    end = spans(PEOPLE[1:2], "Stad")[0][2]
    for length, count in ((end + 1, 0), (end + 2, 1)):
        short = READING.model_copy(update={"passage_length": length})
        assert len(spans(PEOPLE[1:2], "Stad", reading=short)) == count
    assert spans([], "Stad") == []
