import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qamat_core.evaluation.bootstrap import crossed_interval, mean_interval, nested_interval, paired_difference


def test_nineteen_in_twenty_intervals_cover_the_truth() -> None:
    rng = np.random.default_rng(0)
    runs = [(rng.random(200) < 0.3).astype(float) for _ in range(200)]
    covered = [low <= 0.3 <= high for _, low, high in (mean_interval(run, resamples=400) for run in runs)]
    assert 0.90 <= np.mean(covered) <= 0.99


def test_width_is_that_of_the_normal_approximation() -> None:
    values = (np.arange(1000) % 4 == 0).astype(float)
    interval = mean_interval(values)
    assert interval.mean == 0.25
    assert interval.high - interval.low == pytest.approx(2 * 1.96 * np.sqrt(0.25 * 0.75 / 1000), rel=0.1)


def test_seeds_that_differ_widen_the_interval() -> None:
    rng = np.random.default_rng(1)
    alike = (rng.random((3, 500)) < 0.5).astype(float)
    apart = (rng.random((3, 500)) < np.array([[0.2], [0.5], [0.8]])).astype(float)
    width = lambda interval: interval.high - interval.low  # noqa: E731
    assert width(crossed_interval(apart)) > 2 * width(crossed_interval(alike))
    assert width(nested_interval(list(apart))) > 2 * width(nested_interval(list(alike)))


def test_nested_intervals_weigh_seeds_alike_whatever_their_questions() -> None:
    assert nested_interval([np.ones(10), np.zeros(90)]).mean == 0.5


def test_pairs_that_move_together_give_a_narrow_difference() -> None:
    rng = np.random.default_rng(2)
    second = (rng.random(300) < 0.5).astype(float)
    first = second.copy()
    first[np.flatnonzero(second == 0)[:30]] = 1
    mean, low, high = paired_difference(first, second)
    assert mean == pytest.approx(0.1)
    assert 0.06 < low < mean < high < 0.14


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30), st.integers(0, 3))
def test_intervals_are_repeatable_and_stay_in_range(values: list[float], seed: int) -> None:
    array = np.array(values)
    interval = mean_interval(array, seed=seed, resamples=50)
    assert interval == mean_interval(array, seed=seed, resamples=50)
    assert array.min() - 1e-9 <= interval.low <= interval.high <= array.max() + 1e-9
