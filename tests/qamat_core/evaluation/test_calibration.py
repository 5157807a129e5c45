"""Confidence: signals of answers, a regression fitted to them, and what it says of another answer."""

from pathlib import Path

import numpy as np
import pytest
from scipy.special import expit

from qamat_core.evaluation.abstention import quality
from qamat_core.evaluation.calibration import CARD, CalibrationCard, Confidence, Signals, margins
from qamat_core.evaluation.regression import cross_fitted, fit_regression
from schemas.errors import CorruptArtifactError


def signals(count: int, seed: int = 0) -> Signals:
    rng = np.random.default_rng(seed)
    return Signals(-rng.exponential(0.5, count), rng.exponential(2.0, count), rng.random(count))


def right_of(given: Signals, seed: int = 1) -> np.ndarray:
    truth = expit(0.5 + 1.5 * given.sum_logprob + 0.8 * given.margin + given.top_weight)
    return np.random.default_rng(seed).random(len(truth)) < truth


def test_a_margin_is_the_lead_over_the_second_entry_and_unknown_without_one() -> None:
    scores = np.array([[3.0, 1.5, 1.0], [2.0, -np.inf, -np.inf], [-np.inf, -np.inf, -np.inf]], np.float32)
    np.testing.assert_array_equal(margins(scores), [1.5, np.nan, np.nan])
    np.testing.assert_array_equal(margins(scores[:, :1]), [np.nan] * 3)


def test_the_fit_is_that_of_newtons_method() -> None:
    """By hand: penalised logistic regression on standardised signals with Platt's targets."""
    given, l2 = signals(400), 1.0
    right = right_of(given)
    x = np.stack(given, axis=1)
    z = np.column_stack([np.ones(400), (x - x.mean(0)) / x.std(0)])
    targets = np.where(right, (right.sum() + 1) / (right.sum() + 2), 1 / ((~right).sum() + 2))
    penalty, found = np.diag([0, l2, l2, l2]), np.zeros(4)
    for _ in range(50):
        p = expit(z @ found)
        found -= np.linalg.solve(z.T * (p * (1 - p)) @ z + penalty, z.T @ (p - targets) + penalty @ found)
    fitted = fit_regression(given, right, l2)
    ours = [fitted.intercept, *(feature.coefficient for feature in fitted.features)]
    assert found.min() > 0, "else the bounds would show"
    np.testing.assert_allclose(ours, found, atol=2e-5)


def test_confidence_comes_near_the_truth_on_other_questions() -> None:
    given, other = signals(2000), signals(2000, seed=5)
    fitted = fit_regression(given, right_of(given), 1.0).of(other)
    right = right_of(other, seed=6)
    assert quality(fitted, right).ece < 0.04 < quality(np.exp(other.sum_logprob), right).ece


@pytest.mark.parametrize("count", [1, 4, 40])
@pytest.mark.parametrize("right", [True, False])
def test_it_stays_sensible_where_all_are_right_or_all_are_wrong(count: int, right: bool) -> None:
    given, came = signals(count), np.full(count, right)
    for values in (
        fit_regression(given, came, 1.0).of(signals(7, 9)),
        cross_fitted(given, came, 1.0),
    ):
        assert np.all((values > 0) & (values < 1))
        assert np.all(values >= 0.5 if right else values <= 0.5), "never against all that was seen"


def test_signals_that_are_unknown_or_always_the_same_say_nothing() -> None:
    given = signals(300)
    bare = given._replace(margin=np.full(300, np.nan), top_weight=np.zeros(300))
    fitted = fit_regression(bare, right_of(given), 1.0)
    assert [feature.coefficient > 0 for feature in fitted.features] == [True, False, False]
    assert np.all(np.isfinite(fitted.of(bare._replace(margin=given.margin))))


def test_a_stronger_signal_never_makes_less_sure() -> None:
    given = signals(60)
    fitted = fit_regression(given, ~right_of(given), 1.0)
    assert all(feature.coefficient >= 0 for feature in fitted.features)


def test_a_card_gives_one_answer_the_confidence_of_the_fit(tmp_path: Path) -> None:
    given = signals(200)
    right = right_of(given)
    fitted = fit_regression(given, right, 1.0)
    before, after = quality(np.exp(given.sum_logprob), right), quality(fitted.of(given), right)
    card = CalibrationCard(
        checkpoint="a" * 64,
        index="b" * 64,
        k=4,
        regression=fitted,
        questions=200,
        right=int(right.sum()),
        before=before,
        after=after,
    )
    card.save(tmp_path)
    loaded = Confidence.load(tmp_path)
    assert loaded.card == card
    scores, weights = np.array([2.0, 0.5, -np.inf], np.float32), np.array([0.8, 0.2, 0.0], np.float32)
    one = fitted.of(Signals(np.array([-0.3]), np.array([1.5]), np.array([0.8])))
    assert loaded(-0.3, scores, weights) == pytest.approx(float(one[0]))
    assert 0 <= loaded(-0.3, scores[:0], weights[:0]) <= 1, "nothing was retrieved"
    assert Confidence.uncalibrated()(-0.3, scores, weights) == pytest.approx(np.exp(-0.3))
    (tmp_path / CARD).write_text("{}")
    with pytest.raises(CorruptArtifactError, match="not a calibration"):
        Confidence.load(tmp_path)
