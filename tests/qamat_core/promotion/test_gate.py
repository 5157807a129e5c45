"""The gate holds a candidate against every threshold, and passes only what is surely good enough."""

import math

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qamat_core.evaluation.calibration import Confidence
from qamat_core.promotion.gate import figures, judge
from schemas.promotion import Check, Figures, Thresholds
from schemas.tables import OVERLAPS, PREDICTIONS

PERCENT = st.floats(0, 100)
FIGURES = st.builds(
    Figures,
    questions=st.integers(1, 1000),
    em=PERCENT,
    recall=PERCENT,
    auroc=PERCENT,
    leakage=PERCENT,
    speed=st.floats(0.01, 1e6),
)
GOOD = Figures(questions=100, em=50, recall=70, auroc=80, leakage=10, speed=20)


def failed(candidate: Figures, champion: Figures | None, relative: float | None = 1.0, **wanted: float) -> set[str]:
    checks = judge(Thresholds.model_validate(wanted), candidate, champion, relative)
    return {check.threshold for check in checks if not check.passed}


def test_the_first_is_held_against_absolute_thresholds_alone():
    checks = judge(Thresholds(min_em=50, min_recall=70.1, max_leakage=9), GOOD, None, None)
    assert len(checks) == 6
    assert [check.threshold for check in checks if not check.passed] == ["min_recall", "max_leakage"]


@pytest.mark.parametrize(
    ("change", "threshold"),
    [
        ({"em": 48.9}, "max_em_drop"),
        ({"recall": 67.9}, "max_recall_drop"),
        ({"auroc": 76.9}, "max_auroc_drop"),
        ({"leakage": 15.1}, "max_leakage_rise"),
        ({"questions": 49}, "min_questions"),
    ],
)
def test_a_figure_that_falls_too_far_behind_fails(change: dict[str, float], threshold: str):
    assert failed(GOOD, GOOD) == set()
    assert failed(GOOD.model_copy(update=change), GOOD) == {threshold}


def test_speed_is_judged_beside_the_champion():
    assert failed(GOOD, GOOD, 0.8) == set()
    assert failed(GOOD, GOOD, 0.79) == {"min_relative_speed"}
    assert failed(GOOD, GOOD, 0.79, min_relative_speed=0.5) == set()
    assert failed(GOOD, GOOD, 1.0, min_speed=20.1) == {"min_speed"}


@given(figures=FIGURES)
def test_the_champion_itself_passes(figures: Figures):
    assert failed(figures, figures, min_questions=1, min_em=0, min_recall=0, min_auroc=0, max_leakage=100) == set()


@pytest.mark.parametrize(
    ("change", "threshold"),
    [
        ({"em": 0.0}, "min_em"),
        ({"recall": 0.0}, "min_recall"),
        ({"auroc": 49.0}, "min_auroc"),
        ({"leakage": 81.0}, "max_leakage"),
        ({"questions": 49}, "min_questions"),
    ],
)
def test_the_defaults_keep_out_a_first_that_is_of_no_use(change: dict[str, float], threshold: str):
    assert failed(GOOD, None) == set()
    assert failed(GOOD.model_copy(update=change), None) == {threshold}


@given(candidate=FIGURES, champion=FIGURES, relative=st.floats(0, 10))
def test_what_is_better_never_fails_where_what_is_worse_passes(candidate: Figures, champion: Figures, relative: float):
    better = candidate.model_copy(update={"em": min(100.0, candidate.em + 5), "leakage": candidate.leakage / 2})
    assert failed(better, champion, relative) <= failed(candidate, champion, relative)


@pytest.mark.parametrize("figure", ["em", "recall", "auroc", "leakage", "speed"])
def test_a_figure_that_is_no_number_does_not_pass(figure: str):
    assert failed(GOOD.model_copy(update={figure: math.nan}), None)
    assert failed(GOOD.model_copy(update={figure: math.nan}), GOOD)


def test_a_champion_without_a_number_lets_nothing_pass():
    assert "max_em_drop" in failed(GOOD, GOOD.model_copy(update={"em": math.nan}))


def test_a_check_tells_both_figures():
    check = Check(figure="em", threshold="max_em_drop", candidate=41.2, champion=43.5, rule="at least", bound=42.5,
                  passed=False)  # fmt: skip
    assert str(check) == "em is 41.20, at least 42.50 wanted (max_em_drop, the champion has 43.50)"


def answer(number: int, right: bool, hit: int | None, logprob: float) -> dict[str, object]:
    return {"example_id": f"e{number}", "question": "?", "answers": ["a"], "prediction": "a", "retrieved_ids": ["q"],
            "weights": [1.0], "exact_match": right, "f1": 1.0, "first_hit": hit, "sum_logprob": logprob,
            "margin": 1.0}  # fmt: skip


def overlap(number: int, kind: str) -> dict[str, object]:
    return {"example_id": f"e{number}", "overlap": kind, "train_question": None, "similarity": None}


def test_figures_are_those_of_the_answers():
    rows = [answer(0, True, 0, -0.1), answer(1, False, 3, -0.2), answer(2, True, None, -0.3), answer(3, False, 1, -9)]
    first = pa.Table.from_pylist([overlap(0, "question"), overlap(1, "answer")], OVERLAPS)
    second = pa.Table.from_pylist([overlap(0, "question"), overlap(1, "question"), overlap(2, "none")], OVERLAPS)
    found = figures(pa.Table.from_pylist(rows, PREDICTIONS), Confidence.uncalibrated(), [first, second], 2, 12.345)
    assert found == Figures(questions=4, em=50, recall=50, auroc=75, leakage=50, speed=12.35)
