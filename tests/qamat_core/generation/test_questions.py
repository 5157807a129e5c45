"""What counts as a question, and what the filters keep."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qamat_core.generation.generator import Candidate
from qamat_core.generation.questions import judge, likeliest_answer, question_fault


@pytest.mark.parametrize(
    ("text", "ended", "fault"),
    [
        ("where is Bolgrad?", True, ""),
        (" ?", True, "empty"),
        ("where is", False, "too long"),
        ("where is <extra_id_0>?", True, "holds a sentinel"),
        ("where is <unk>?", True, "holds a sentinel"),
    ],
)
def test_question_faults(text: str, ended: bool, fault: str):
    assert question_fault(Candidate(text, -1.0, -0.5, ended)) == fault


def test_a_normalised_exact_match_is_kept():
    assert judge("the Golden Mol", "golden mol.") == ("golden mol.", 1.0, True, "match")


def test_a_partial_match_is_not_kept_and_has_its_f1():
    verdict = judge("Dorvex Works", "Dorvex Labs")
    assert (verdict.kept, verdict.reason, verdict.f1) == (False, "mismatch", 0.5)


@given(st.sampled_from(["", "the", " . ", "a an the"]), st.text(max_size=5))
def test_an_empty_reading_never_confirms(predicted: str, answer: str):
    verdict = judge(answer, predicted)
    assert (verdict.kept, verdict.reason) == (False, "empty")


@pytest.mark.parametrize(
    ("logprobs", "scores", "answer"),
    [
        ((-1.0, -0.1), (9.0, 2.0), "Mol"),  # the passage tells
        ((-5.0, -0.1), (9.0, 8.0), "Dral"),  # the reader tells
        ((-1.0, -1.0), (2.0, 2.0), "Mol"),  # a tie goes by text, whatever the order
    ],
)
def test_the_likeliest_pair_of_passage_and_answer_decides(
    logprobs: tuple[float, float], scores: tuple[float, float], answer: str
):
    readings = [Candidate(text, one, one, ended=True) for text, one in zip(("Mol", "Dral"), logprobs, strict=True)]
    assert likeliest_answer(readings, scores) == likeliest_answer(readings[::-1], scores[::-1]) == answer


def test_where_nothing_was_found_nothing_is_answered():
    assert not likeliest_answer([], [])
