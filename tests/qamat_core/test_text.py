"""Normal forms of answers and questions."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qamat_core.text import normalize_answer, normalize_question, word_tokens


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("The Beatles", "beatles"),
        ("  a  U.S. Army\tbase ", "us army base"),
        ("theatre", "theatre"),
        ("Beyoncé", unicodedata.normalize("NFD", "beyoncé")),
        ("an, the", ""),
        ("", ""),
    ],
)
def test_answers_are_normalised_as_in_squad_and_orqa(text: str, normal: str) -> None:
    assert normalize_answer(text) == normal


@given(st.text())
def test_answers_are_equal_in_any_unicode_form(text: str) -> None:
    assert normalize_answer(unicodedata.normalize("NFC", text)) == normalize_answer(unicodedata.normalize("NFD", text))


@given(st.text(alphabet=st.characters(codec="ascii")))
def test_ascii_normal_forms_keep_no_punctuation_and_no_outer_space(text: str) -> None:
    normal = normalize_answer(text)
    assert normal == " ".join(normal.split())
    assert all(character.isalnum() or character == " " for character in normal if character.isprintable())


def test_questions_differ_by_more_than_case_space_and_closing_mark() -> None:
    assert normalize_question("Who  wrote X ?") == normalize_question("who wrote x") == "who wrote x"
    assert normalize_question("what is c++?") != normalize_question("what is c?")


def test_words_are_lower_case_in_order_with_repeats() -> None:
    assert word_tokens("The end, the END of 1931!") == ["the", "end", "the", "end", "of", "1931"]
    assert word_tokens("Beyonce\u0301") == ["beyoncé"]
