"""What an answer rests on: which entries are taken out of the memory before its question is asked again.

An answer rests on the entry of the largest weight that holds it; where none that was read holds it, on the entry of
the largest weight, which is told apart. Whether it does is seen by asking again without that entry.
"""

from collections.abc import Mapping, Sequence
from typing import Final, Literal

import numpy as np

from qamat_core.evaluation.bootstrap import Interval, Values, mean_interval
from qamat_core.evaluation.metrics import exact_match

Taken = Literal["holder", "first", "holders", "other"]
"""Which entries were taken out."""
NAMES: Final[Mapping[Taken, str]] = {
    "holder": "The entry that holds the answer",
    "holders": "All read entries that hold it",
    "first": "The first entry, where none holds it",
    "other": "Another entry that was read",
}
"""What each is called, in the report's order."""


def choose(
    answer: str, rows: Sequence[int], accepted: Sequence[Sequence[str]], rng: np.random.Generator
) -> dict[Taken, tuple[int, ...]]:
    """Return the entries that are taken out, one set for each time that the question is asked again.

    Args:
        answer: what was answered.
        rows: the entries that were read, by falling weight.
        accepted: each one's answer and aliases.
        rng: draws the other entry among those that the answer is not said to rest on.
    """
    holders = tuple(row for row, answers in zip(rows, accepted, strict=True) if exact_match(answer, answers))
    if not rows:
        return {}
    chosen: dict[Taken, tuple[int, ...]] = {"first": (rows[0],)}
    if holders:
        chosen = {"holder": holders[:1], "holders": holders}
    rest = [row for row in rows if row not in next(iter(chosen.values()))]
    if rest:
        chosen["other"] = (rest[int(rng.integers(len(rest)))],)
    return chosen


def effects(
    changed: Sequence[bool], right: Sequence[bool], right_then: Sequence[bool], resamples: int
) -> dict[str, tuple[Interval, int]]:
    """Return metric -> its share with its interval, and of how many answers it is; one of no answers is left out.

    Args:
        changed: whether each answer is another one now.
        right: whether it was right.
        right_then: whether it is right now.
        resamples: of the bootstrap.
    """
    were_right = np.array(right, bool)
    shares: dict[str, Values] = {
        "answer_changed": np.array(changed, np.float64),
        "right_lost": (~np.array(right_then, bool)).astype(np.float64)[were_right],
    }
    return {
        metric: (mean_interval(values, resamples=resamples), len(values))
        for metric, values in shares.items()
        if len(values)
    }
