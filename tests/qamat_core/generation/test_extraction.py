"""Only what stands in the passage as words becomes an answer span; the rest keeps its reason."""

import re

from hypothesis import given
from hypothesis import strategies as st

from qamat_core.generation.extraction import find_words, separate, spans_of
from qamat_core.generation.generator import Candidate

PASSAGE = "Holm lies in Holmstad. Holm is old."


def candidate(text: str, logprob: float = -1.0, *, ended: bool = True) -> Candidate:
    return Candidate(text, logprob, logprob / 2, ended)


def test_a_span_is_the_first_occurrence_at_word_boundaries():
    spans, refused = spans_of("Holmstad is near Holm. Holm is old.", [candidate("Holm")])
    assert [(span.text, span.start, span.end) for span in spans] == [("Holm", 17, 21)]
    assert not refused


def test_every_refused_candidate_has_its_reason():
    candidates = [
        candidate("Holmstad", -0.5),
        candidate("Holmstad", -3.0),
        candidate("stad", -1.0),
        candidate("Bolgrad", -2.0),
        candidate("", -2.5),
        candidate("Holm lies in", -2.7, ended=False),
    ]
    spans, refused = spans_of(PASSAGE, candidates)
    assert [span.text for span in spans] == ["Holmstad"]
    assert [one.reason for one in refused] == [
        "not at a word's boundary",
        "not in the passage",
        "empty",
        "too long",
        "repeated",
    ]


def test_spans_are_ordered_by_probability_then_text():
    spans, _ = spans_of(PASSAGE, [candidate("old"), candidate("Holmstad"), candidate("lies", -0.1)])
    assert [span.text for span in spans] == ["lies", "Holmstad", "old"]


@given(st.text(alphabet="ab .", max_size=30), st.text(alphabet="ab .", min_size=1, max_size=4))
def test_find_words_agrees_with_a_regular_expression(passage: str, text: str):
    before, after = "(?<![ab])" if text[0] in "ab" else "", "(?![ab])" if text[-1] in "ab" else ""
    match = re.search(before + re.escape(text) + after, passage)
    assert find_words(passage, text) == (match.start() if match else None)


@given(st.lists(st.tuples(st.text(alphabet="Holmstad. ", max_size=8), st.floats(-9, 0), st.booleans()), max_size=8))
def test_nothing_is_lost(found: list[tuple[str, float, bool]]):
    spans, refused = spans_of(PASSAGE, [candidate(text, score, ended=ended) for text, score, ended in found])
    assert len(spans) + len(refused) == len(found)
    assert all(PASSAGE[span.start : span.end] == span.text for span in spans)
    assert len({(span.start, span.end) for span in spans}) == len(spans)


def test_one_text_may_hold_several_answers():
    found = [candidate("Holm <sep> Holmstad <sep>"), candidate("old<sep>Holms", -2.0, ended=False), candidate("lies")]
    answers = separate(found, "<sep>")
    assert [(one.text, one.ended, one.sum_logprob) for one in answers] == [
        ("Holm", True, -1.0),
        ("Holmstad", True, -1.0),
        ("old", True, -2.0),
        ("Holms", False, -2.0),
        ("lies", True, -1.0),
    ]
    assert separate(found, "") == found


@given(st.lists(st.text(alphabet="ab ", min_size=1, max_size=5).filter(str.strip), min_size=1, max_size=5))
def test_separated_answers_come_back(texts: list[str]):
    for end in ("", " <sep>"):
        whole = candidate(" <sep> ".join(texts) + end)
        assert [one.text for one in separate([whole], "<sep>")] == [text.strip() for text in texts]
