"""Speeds are measured in turns and compared round by round."""

import time

import numpy as np
import pytest

from qamat_core.evaluation.speed import compare, speed_rows, speeds

PLACE = {"table": "speed", "dataset": "world", "k": None}


def test_every_round_is_asked_of_both_in_turning_order_after_one_that_is_not_counted() -> None:
    asked: list[tuple[str, int]] = []

    def system(name: str, seconds: float):
        def answer(number: int) -> None:
            asked.append((name, number))
            time.sleep(seconds)

        return answer

    found = speeds({"fast": system("fast", 0.001), "slow": system("slow", 0.02)}, questions=4, rounds=3)
    assert [name for name, _ in asked] == ["fast", "slow", "slow", "fast", "fast", "slow", "slow", "fast"]
    assert [number for _, number in asked[::2]] == [0, 0, 1, 2]
    assert {name: len(values) for name, values in found.items()} == {"fast": 3, "slow": 3}
    assert (found["slow"] <= 4 / 0.02).all()


def test_rows_say_how_much_faster_the_first_is() -> None:
    slow = np.linspace(9, 11, 12)
    rows = speed_rows(PLACE, {"QAMAT": 4.8 * slow, "FiD": slow}, resamples=200)
    by = {(row["row"], row["metric"]): row for row in rows}
    assert by["QAMAT", "questions_per_second"]["value"] == pytest.approx(48)
    assert by["FiD", "questions_per_second"]["low"] < 10 < by["FiD", "questions_per_second"]["high"]
    difference = by["speed", "difference"]
    assert [difference[name] for name in ("value", "low", "high")] == pytest.approx([380, 380, 380])
    assert (difference["table"], difference["n"]) == ("claims", 12)
    assert by["speed", "p"]["value"] < 0.01


def test_speeds_that_do_not_differ_are_not_told_apart() -> None:
    values = np.random.default_rng(0).normal(10, 1, (2, 12))
    found = compare(*values, resamples=500)
    assert found.faster.low < 0 < found.faster.high
    assert found.p > 0.05
