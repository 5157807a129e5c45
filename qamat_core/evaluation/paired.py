"""Paired tests: how much higher one row's answers score than another's to the same questions."""

from collections.abc import Sequence
from itertools import product
from typing import Literal, NamedTuple

import numpy as np
import pyarrow as pa

from qamat_core.evaluation.bootstrap import LEVEL, RESAMPLES, Interval, Values, paired_difference
from qamat_core.evaluation.metrics import recall_at
from schemas.errors import InputError

PairedMetric = Literal["em", "f1", "recall"]

PERMUTATIONS = 10_000
"""Sign flips that are drawn; where there are no more in all, each is made once."""
_BLOCK = 100


class Paired(NamedTuple):
    """A difference of shares with its interval, the p of its test, and how many questions were compared."""

    difference: Interval
    p: float
    questions: int


def compare(
    first: Sequence[pa.Table],
    second: Sequence[pa.Table],
    *,
    metric: PairedMetric,
    ks: tuple[int | None, int | None] = (None, None),
    resamples: int = RESAMPLES,
    permutations: int = PERMUTATIONS,
) -> Paired:
    """Compare two rows, each given as one ``predictions`` table a seed; a row of one run stands against every seed.

    The interval is that of a bootstrap over seeds and questions, p that of a sign-flip test over questions.

    Args:
        first: the runs of one row.
        second: those of the other.
        metric: what is compared.
        ks: the K of both rows' recall.
        resamples: bootstrap resamples.
        permutations: sign flips.

    Raises:
        InputError: the runs did not answer the same questions, or the rows have different numbers of seeds.
    """
    runs = [run.sort_by("example_id") for run in (*first, *second)]
    ids = runs[0].column("example_id") if runs else []
    if not len(ids) or not all(run.column("example_id").equals(ids) for run in runs):
        raise InputError("rows that answered different questions cannot be compared; evaluate both on one split")
    counts = {len(first), len(second)}
    if len(counts | {1}) > 2:
        raise InputError(f"{len(first)} seeds cannot be compared with {len(second)}; evaluate both with the same seeds")
    values = [
        np.stack([_values(run, metric, k) for run in own])
        for own, k in zip((runs[: len(first)], runs[len(first) :]), ks, strict=True)
    ]
    one, other = np.broadcast_arrays(*values)
    p = sign_flip_p((one - other).mean(axis=0), permutations=permutations)
    same = np.array_equal(one, other)
    interval = _of_none(len(ids)) if same else paired_difference(one, other, resamples=resamples)
    return Paired(interval, p, len(ids))


def sign_flip_p(differences: Values, *, seed: int = 0, permutations: int = PERMUTATIONS) -> float:
    """Return how likely a mean at least as far from 0 is, where each difference could as well have the other sign.

    Args:
        differences: one a question, [n].
        seed: of the draws.
        permutations: how many are drawn; the p of so many is at least 1 / (permutations + 1).
    """
    differences = differences[differences != 0]
    size, bound = len(differences), abs(differences.sum()) - 1e-9
    if 2**size <= permutations:
        return float(np.mean([abs(np.dot(signs, differences)) >= bound for signs in product((-1, 1), repeat=size)]))
    rng = np.random.default_rng(seed)
    blocks = [min(_BLOCK, permutations - done) for done in range(0, permutations, _BLOCK)]
    sums = np.concatenate([(1 - 2 * rng.integers(0, 2, (block, size), np.int8)) @ differences for block in blocks])
    return float((1 + np.count_nonzero(np.abs(sums) >= bound)) / (1 + permutations))


def _of_none(questions: int) -> Interval:
    """Return the interval where no question differs, of which resampling gives one without width.

    The share of differing questions is below ``1 - tail ** (1 / n)`` (Clopper and Pearson), whichever row is better.
    """
    bound = 1 - ((1 - LEVEL) / 2) ** (1 / questions)
    return Interval(0.0, -bound, bound)


def _values(predictions: pa.Table, metric: PairedMetric, k: int | None) -> Values:
    """Return one value of 0 to 1 a question."""
    if metric == "recall":
        if k is None:
            raise InputError("recall is compared at a K; name one")
        return recall_at(predictions.column("first_hit").to_pylist(), k)
    return predictions.column("exact_match" if metric == "em" else "f1").to_numpy().astype(np.float64)
