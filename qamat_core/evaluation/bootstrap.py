"""Percentile bootstrap intervals of means, over questions and over seeds."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]
Questions = npt.NDArray[np.int64]
"""Which questions were drawn."""

RESAMPLES = 2000
"""Bootstrap resamples of an interval."""
LEVEL = 0.95
"""The share of resampled means that lie inside an interval."""
_TAILS = ((1 - LEVEL) / 2, 1 - (1 - LEVEL) / 2)
_BLOCK = 100


class Interval(NamedTuple):
    """A mean with the ends of its interval."""

    mean: float
    low: float
    high: float


def mean_interval(values: Values, *, seed: int = 0, resamples: int = RESAMPLES) -> Interval:
    """Return the mean over questions and its interval by resampling questions.

    Values that are all equal give an interval of no width, which says nothing about rarer outcomes.

    Args:
        values: one value a question, [n] with n > 0.
        seed: of the resampling.
        resamples: how many.
    """
    return crossed_interval(values[None, :], seed=seed, resamples=resamples)


def crossed_interval(values: Values, *, seed: int = 0, resamples: int = RESAMPLES) -> Interval:
    """Return the mean over seeds and questions, and its interval by resampling both; all seeds answered one set.

    Args:
        values: one value a seed and question, [seeds, n].
        seed: of the resampling.
        resamples: how many.
    """
    seeds, count = values.shape

    def draw(rng: np.random.Generator, size: int) -> Values:
        questions = rng.integers(0, count, (size, count))
        means = np.stack([run[questions].mean(axis=1) for run in values], axis=1)
        return np.take_along_axis(means, rng.integers(0, seeds, (size, seeds)), axis=1).mean(axis=1)

    return _interval(float(values.mean()), draw, seed, resamples)


def nested_interval(runs: Sequence[Values], *, seed: int = 0, resamples: int = RESAMPLES) -> Interval:
    """Return the mean of the seeds' means, and its interval by resampling seeds, then each one's own questions.

    For seeds that answered different questions.

    Args:
        runs: for every seed one value a question, [n of that seed].
        seed: of the resampling.
        resamples: how many.
    """

    def resampled_mean(rng: np.random.Generator) -> float:
        chosen = [runs[number] for number in rng.integers(0, len(runs), len(runs))]
        return float(np.mean([run[rng.integers(0, len(run), len(run))].mean() for run in chosen]))

    def draw(rng: np.random.Generator, size: int) -> Values:
        return np.array([resampled_mean(rng) for _ in range(size)])

    return _interval(float(np.mean([run.mean() for run in runs])), draw, seed, resamples)


def paired_difference(first: Values, second: Values, *, seed: int = 0, resamples: int = RESAMPLES) -> Interval:
    """Return how much higher the first mean is, with its interval; both answered the same questions in this order.

    Args:
        first: one value a question, [n], or a seed and question, [seeds, n].
        second: the same shape.
        seed: of the resampling.
        resamples: how many.
    """
    return crossed_interval(np.atleast_2d(first - second), seed=seed, resamples=resamples)


def crossed_statistics(
    statistic: Callable[[int, Questions], Values],
    *,
    seeds: int,
    questions: int,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> list[Interval]:
    """Return statistics that are no means, over seeds, with their intervals by resampling seeds and questions.

    Args:
        statistic: (number of a seed, questions [n]) -> the statistics of its answers to these questions, [F].
        seeds: how many.
        questions: how many each seed answered, the same ones.
        seed: of the resampling.
        resamples: how many.
    """
    rng = np.random.default_rng(seed)

    def draw() -> Values:
        drawn = rng.integers(0, questions, questions)
        return np.mean([statistic(int(number), drawn) for number in rng.integers(0, seeds, seeds)], axis=0)

    whole = np.mean([statistic(number, np.arange(questions)) for number in range(seeds)], axis=0)
    low, high = np.quantile([draw() for _ in range(resamples)], _TAILS, axis=0)
    return [Interval(*map(float, ends)) for ends in zip(whole, low, high, strict=True)]


def _interval(mean: float, draw: Callable[[np.random.Generator, int], Values], seed: int, resamples: int) -> Interval:
    """Draw resampled means in blocks, so that memory stays small, and cut their tails off."""
    rng = np.random.default_rng(seed)
    means = np.concatenate([draw(rng, min(_BLOCK, resamples - done)) for done in range(0, resamples, _BLOCK)])
    low, high = np.quantile(means, _TAILS)
    return Interval(mean, float(low), float(high))
