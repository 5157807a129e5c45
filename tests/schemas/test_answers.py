"""A question is Unicode text of a bounded length, and takes out so many entries at most."""

import pytest
from pydantic import ValidationError

from schemas.answers import MAX_QUESTION, MAX_WITHOUT, Asked, first_fault
from schemas.errors import InputError


def test_the_length_is_that_of_the_text_without_space_around_it():
    Asked(question=f"  {'x' * MAX_QUESTION}\n").check()
    for text in ("", " \n", "x" * (MAX_QUESTION + 1)):
        with pytest.raises(InputError, match="a question has 1 to 2000 characters"):
            Asked(question=text).check()


def test_entries_are_taken_out_once_each():
    assert Asked(question="?", without=("b", "a", "b")).without == ("b", "a")
    with pytest.raises(ValidationError):
        Asked(question="?", without=tuple(map(str, range(MAX_WITHOUT + 1))))


def test_a_fault_is_one_line_without_what_was_given():
    with pytest.raises(ValidationError) as caught:
        Asked.model_validate({"question": "?", "min_confidence": 2, "secret\nfield": "secret"})
    assert "secret" not in first_fault(caught.value)
    assert first_fault(caught.value) == "min_confidence: Input should be less than or equal to 1"
