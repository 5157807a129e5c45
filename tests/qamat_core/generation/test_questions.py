"""What counts as a question, and what the reading-comprehension filter keeps."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qamat_core.generation.generator import Candidate
from qamat_core.generation.questions import judge, question_fault


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
