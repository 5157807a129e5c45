"""How many questions a second two systems answer: measured in turns, compared round by round."""

import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from qamat_core.evaluation.bootstrap import Interval, Values, mean_interval
from qamat_core.evaluation.paired import sign_flip_p

Answer = Callable[[int], object]
"""Answers the questions of a round."""


class Compared(NamedTuple):
    """How much faster one system is, in percent of the other's speed, with its interval, and the p of its test."""

    faster: Interval
    p: float


def speeds(systems: Mapping[str, Answer], questions: int, rounds: int) -> dict[str, Values]:
    """Return questions a second by system, [rounds]: seconds are those of the clock, a round is ``questions`` long.

    Within a round each system answers the same questions, in an order that turns around every round; a round that
    is not counted comes first, in which everything is compiled.
    """
    taken: dict[str, list[float]] = {name: [] for name in systems}
    for number in range(-1, rounds):
        for name in list(systems)[:: 1 if number % 2 else -1]:
            began = time.perf_counter()
            systems[name](max(number, 0))
            if number >= 0:
                taken[name].append(time.perf_counter() - began)
    return {name: questions / np.asarray(seconds) for name, seconds in taken.items()}


def compare(first: Values, second: Values, *, resamples: int) -> Compared:
    """Compare two systems that answered in the same rounds, [rounds]: rounds are drawn and change sign."""
    return Compared(mean_interval(first / second - 1, resamples=resamples), sign_flip_p(first - second))


def speed_rows(place: Mapping[str, Any], measured: Mapping[str, Values], *, resamples: int) -> list[dict[str, Any]]:
    """Return ``metrics`` rows of speeds, one a system, and those that the claim ``speed`` is judged by.

    The first system, which has the memory of ``place``, is compared with the second, which has none. ``n`` counts
    rounds.
    """
    rows: list[dict[str, Any]] = []
    for name, values in measured.items():
        own = {"row": name, "metric": "questions_per_second", "n": len(values)}
        rows.append({**place, **own, **mean_interval(values, resamples=resamples)._asdict()})
    rows[1]["memory"] = "none"
    first, second, *_ = measured.values()
    found, claim = compare(first, second, resamples=resamples), {"table": "claims", "row": "speed", "n": len(first)}
    percent = dict(zip(Interval._fields, (100 * share for share in found.faster), strict=True))
    rows.append({**place, **claim, "metric": "difference", **percent})
    rows.append({**place, **claim, "metric": "p", "mean": found.p, "low": None, "high": None})
    return [{("value" if name == "mean" else name): value for name, value in row.items()} for row in rows]
