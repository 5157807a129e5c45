"""Figures of abstention, against brute force: all orders of equal confidences, all pairs of answers."""

from itertools import permutations, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qamat_core.evaluation.abstention import BIASED, MEASURES, RiskCoverage, calibration_error, measure, ranking_area

answers = st.lists(st.tuples(st.sampled_from([0.1, 0.4, 0.4, 0.9, 1.0]), st.booleans()), min_size=1, max_size=6).map(
    lambda rows: (np.array([row[0] for row in rows]), np.array([row[1] for row in rows]))
)


@given(answers)
def test_risk_is_the_mean_over_all_orders_of_equal_confidences(rows: tuple[np.ndarray, np.ndarray]) -> None:
    confidence, right = rows
    orders = [
        right[list(order)]
        for order in permutations(range(len(right)))
        if not np.any(np.diff(confidence[list(order)]) > 0)
    ]
    expected = np.mean([np.cumsum(~order) / np.arange(1, len(right) + 1) for order in orders], axis=0)
    curve = RiskCoverage.of(confidence, right)
    np.testing.assert_allclose(curve.risk, expected)
    assert curve.area == pytest.approx(expected.mean())
    within = [number + 1 for number, risk in enumerate(expected) if risk <= 0.25 + 1e-12]
    assert curve.coverage_at(0.25) == pytest.approx(max(within, default=0) / len(right))
    assert curve.risk_at(1.0) == pytest.approx(np.mean(~right))


@given(answers)
def test_auroc_is_the_share_of_pairs_in_order(rows: tuple[np.ndarray, np.ndarray]) -> None:
    confidence, right = rows
    pairs = [(a > b) + (a == b) / 2 for a, b in product(confidence[right], confidence[~right])]
    assert ranking_area(confidence, right) == pytest.approx(np.mean(pairs) if pairs else 0.5)


@given(st.integers(1, 30), st.integers(1, 30))
def test_perfect_confidence_has_no_risk_until_the_right_answers_end(yes: int, no: int) -> None:
    right = np.arange(yes + no) < yes
    perfect, random = RiskCoverage.of(right.astype(float), right), RiskCoverage.of(np.ones(yes + no), right)
    assert ranking_area(right.astype(float), right) == 1
    assert calibration_error(right.astype(float), right) == 0
    assert perfect.coverage_at(0) == pytest.approx(yes / (yes + no))
    assert perfect.area < random.area == pytest.approx(no / (yes + no))
    np.testing.assert_allclose(random.risk, no / (yes + no))


def test_calibration_error_by_hand() -> None:
    confidence, right = np.array([0.95, 0.91, 0.3, 1.0]), np.array([True, False, False, True])
    assert calibration_error(confidence, right) == pytest.approx((abs(0.95 + 0.91 + 1.0 - 2) + 0.3) / 4)


def test_every_measure_has_an_interval_around_it() -> None:
    rng = np.random.default_rng(0)
    confidence = rng.random((2, 400))
    right = rng.random((2, 400)) < confidence
    found = dict(zip(MEASURES, measure(confidence, right, resamples=60), strict=True))
    for name, interval in found.items():
        assert 0 <= interval.low <= interval.high <= 1, name
        assert name.metric in BIASED or interval.low <= interval.mean <= interval.high, name
    each = [ranking_area(*pair) for pair in zip(confidence, right, strict=True)]
    assert found["auroc", None].mean == pytest.approx(np.mean(each))
    assert found["risk", 50.0].mean == pytest.approx(1 - found["em_at_coverage", 50.0].mean)
