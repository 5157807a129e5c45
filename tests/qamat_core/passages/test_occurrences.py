"""A text holds an answer where its words stand in a row, whatever their case and accents."""

import pytest

from qamat_core.passages.occurrences import first_holding, occurrences


def held(text: str, *answers: str, script: str = "orqa") -> list[str]:
    return [text[start:end] for start, end in occurrences(text, answers, script)]  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    ("text", "answer", "found"),
    [
        ("Ada lives in Dorf. DORF is small.", "dorf", ["Dorf", "DORF"]),
        ("She is from São Paulo.", "são paulo", ["São Paulo"]),
        ("She is from Sa\N{COMBINING TILDE}o Paulo.", "São Paulo", ["Sa\N{COMBINING TILDE}o Paulo"]),
        ("Dorfer is no Dor.", "Dorf", []),
        ("It was 1853.", "1853", ["1853"]),
        ("the U.S. of A", "U.S.", ["U.S."]),
        ("aa aa aa", "aa aa", ["aa aa", "aa aa"]),
        ("Dorf", "", []),
        ("", "Dorf", []),
    ],
)
def test_words_in_a_row(text: str, answer: str, found: list[str]):
    assert held(text, answer) == found


def test_every_answer_counts_and_each_place_once():
    assert held("Born in Dorf, in the north.", "north", "Dorf", "dorf") == ["Dorf", "north"]


def test_a_pattern_is_searched_for():
    assert held("Between 1984 and 1991", r"19\d\d", "zzz|", script="patterns") == ["1984", "1991"]


def test_the_first_text_that_holds_one():
    texts = ["Ada.", "Bela lives in Stad.", "Stad is a town."]
    assert first_holding(texts, ["Stad", "Dorf"], "orqa") == 1
    assert first_holding(texts, ["Dorf"], "orqa") is None
    assert first_holding([], ["Dorf"], "orqa") is None
