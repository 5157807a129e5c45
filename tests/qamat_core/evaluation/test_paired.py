import numpy as np
import pyarrow as pa
import pytest
from scipy.stats import binomtest, permutation_test

from qamat_core.evaluation.paired import compare, sign_flip_p
from schemas.errors import InputError
from schemas.tables import PREDICTIONS


def predictions(right: list[bool], first_hit: list[int | None] | None = None, prefix: str = "q") -> pa.Table:
    hits = first_hit or [None] * len(right)
    rows = [
        {
            "example_id": f"{prefix}{number:04d}",
            "question": "?",
            "answers": ["a"],
            "prediction": "a",
            "retrieved_ids": [],
            "weights": [],
            "exact_match": exact,
            "f1": 1.0 if exact else 0.5,
            "first_hit": hit,
        }
        for number, (exact, hit) in enumerate(zip(right, hits, strict=True))
    ]
    return pa.Table.from_pylist(rows, schema=PREDICTIONS)


def scipys(differences: np.ndarray, resamples: float) -> float:
    found = permutation_test(
        (differences, np.zeros_like(differences)),
        lambda one, other, axis: np.mean(one - other, axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=resamples,
        rng=np.random.default_rng(1),
    )
    return float(found.pvalue)


@pytest.mark.parametrize("seed", range(5))
def test_p_is_exactly_scipys_where_questions_are_few(seed: int) -> None:
    differences = np.random.default_rng(seed).normal(0.4, 1, 10)
    assert sign_flip_p(differences) == pytest.approx(scipys(differences, np.inf))


def test_p_of_many_questions_is_scipys_within_chance() -> None:
    differences = np.random.default_rng(3).choice([-1.0, 0.0, 1.0], 400, p=[0.1, 0.75, 0.15])
    assert sign_flip_p(differences) == pytest.approx(scipys(differences, 9999), abs=0.02)
    assert 0.01 < sign_flip_p(differences) < 0.2


def test_p_of_rows_that_do_not_differ_is_one() -> None:
    assert sign_flip_p(np.zeros(50)) == 1
    assert sign_flip_p(np.array([1.0, -1.0] * 50)) == 1


def test_true_nulls_are_rejected_as_seldom_as_promised() -> None:
    rng = np.random.default_rng(0)
    found = [sign_flip_p(rng.choice([-1.0, 0.0, 1.0], 60), permutations=500) for _ in range(300)]
    assert 0.02 <= np.mean(np.array(found) <= 0.05) <= 0.085


def test_the_difference_is_that_of_the_means_whatever_the_order_of_questions() -> None:
    rng = np.random.default_rng(1)
    runs = [[predictions(list(rng.random(80) < share)) for _ in range(2)] for share in (0.7, 0.4)]
    shuffled = [runs[0][0].take(rng.permutation(80)), runs[0][1]]
    found = compare(shuffled, runs[1], metric="em", resamples=300)
    means = [np.mean([run.column("exact_match").to_numpy(zero_copy_only=False).mean() for run in row]) for row in runs]
    assert found.difference.mean == pytest.approx(means[0] - means[1])
    assert 0 < found.difference.low < found.difference.mean < found.difference.high
    assert found.p < 0.01
    assert found.questions == 80
    assert compare(runs[0], runs[1], metric="f1", resamples=50).difference.mean == pytest.approx(
        found.difference.mean / 2
    )


def test_a_row_of_one_run_stands_against_every_seed() -> None:
    first = [predictions([True] * 10), predictions([True] * 5 + [False] * 5)]
    other = [predictions([False] * 10)]
    assert compare(first, other, metric="em", resamples=20).difference.mean == pytest.approx(0.75)
    assert compare(other, first, metric="em", resamples=20).difference.mean == pytest.approx(-0.75)


def test_few_questions_without_a_difference_say_little() -> None:
    few, many = ([predictions([False] * count)] for count in (66, 2320))
    upper = binomtest(0, 66).proportion_ci(0.95).high
    assert compare(few, few, metric="em").difference == pytest.approx((0, -upper, upper))
    assert upper > 0.05
    assert compare(many, many, metric="em").difference.high < 0.002


def test_recall_is_compared_at_each_rows_own_k() -> None:
    run = [predictions([True] * 4, [0, 1, 2, None])]
    assert compare(run, run, metric="recall", ks=(3, 1), resamples=20).difference.mean == pytest.approx(0.5)


def test_what_cannot_be_paired_is_refused() -> None:
    one = predictions([True, False])
    with pytest.raises(InputError, match="different questions"):
        compare([one], [predictions([True, False], prefix="other")], metric="em")
    with pytest.raises(InputError, match="2 seeds cannot be compared with 3"):
        compare([one] * 2, [one] * 3, metric="em")
    with pytest.raises(InputError, match="different questions"):
        compare([], [], metric="em")
