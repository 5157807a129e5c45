"""Fitting confidence: answers that are known to be right or wrong -> a logistic regression on their signals.

Platt's smoothed targets (Platt 1999) keep it finite where every answer is right, or wrong. No coefficient is negative:
an answer never becomes less sure because a signal is stronger.
"""

import numpy as np
from jaxtyping import Bool, Float
from scipy.optimize import minimize
from scipy.special import expit, log_expit

from qamat_core.evaluation.calibration import Feature, Regression, Signals, Values, standard


def fit_regression(signals: Signals, right: Bool[np.ndarray, " n"], l2: float) -> Regression:
    """Fit the regression.

    Args:
        signals: of n > 0 answers.
        right: which of them are right.
        l2: half of it times the squared coefficients (of standardised signals) is added to the summed loss.
    """
    means = [_mean(values) for values in signals]
    scales = [float(np.nanstd(values)) if np.isfinite(values).any() else 0.0 for values in signals]
    scales = [scale if scale > 1e-6 else 1.0 for scale in scales]
    x = np.stack([standard(*column) for column in zip(signals, means, scales, strict=True)], axis=1)
    yes, no = int(right.sum()), int((~right).sum())
    targets = np.where(right, (yes + 1) / (yes + 2), 1 / (no + 2))

    def loss(parameters: Float[np.ndarray, " F"]) -> tuple[float, Float[np.ndarray, " F"]]:
        logits = parameters[0] + x @ parameters[1:]
        value = -(targets * log_expit(logits) + (1 - targets) * log_expit(-logits)).sum()
        off = expit(logits) - targets
        slopes = x.T @ off + l2 * parameters[1:]
        return value + l2 / 2 * (parameters[1:] ** 2).sum(), np.array([off.sum(), *slopes])

    bounds = [(None, None), *[(0, None)] * x.shape[1]]
    options = {"ftol": 1e-12, "gtol": 1e-8}
    found = minimize(loss, np.zeros(1 + x.shape[1]), jac=True, method="L-BFGS-B", bounds=bounds, options=options).x
    rows = zip(Signals._fields, means, scales, found[1:], strict=True)
    features = [
        Feature(name=name, mean=round(mean, 6), scale=round(scale, 6), coefficient=round(float(weight), 6))
        for name, mean, scale, weight in rows
    ]
    return Regression(intercept=round(float(found[0]), 6), features=tuple(features))


def cross_fitted(signals: Signals, right: Bool[np.ndarray, " n"], l2: float, folds: int = 5) -> Values:
    """Return the confidence of each answer by a fit to the other folds; of fewer answers than folds by one to all."""
    if len(right) < folds:
        return fit_regression(signals, right, l2).of(signals)
    fold = np.arange(len(right)) % folds
    confidence = np.zeros(len(right))
    for number in range(folds):
        out = fold == number
        fit = fit_regression(Signals(*(values[~out] for values in signals)), right[~out], l2)
        confidence[out] = fit.of(Signals(*(values[out] for values in signals)))
    return confidence


def _mean(values: Values) -> float:
    return float(np.nanmean(values)) if np.isfinite(values).any() else 0.0
