"""Which entries an answer is said to rest on, and what asking again without them shows."""

import numpy as np
import pytest

from qamat_core.evaluation.attribution import choose, effects

ROWS = [7, 3, 9]


def test_the_first_entry_that_holds_the_answer_is_taken_out_alone_and_with_the_others() -> None:
    accepted = [["Rome"], ["Paris", "Lutetia"], ["the Lutetia"]]
    chosen = choose("lutetia", ROWS, accepted, np.random.default_rng(0))
    assert (chosen["holder"], chosen["holders"]) == ((3,), (3, 9))
    drawn = {choose("lutetia", ROWS, accepted, np.random.default_rng(seed))["other"] for seed in range(20)}
    assert drawn == {(7,), (9,)}
    assert choose("lutetia", ROWS, accepted, np.random.default_rng(0)) == chosen


def test_where_none_holds_the_answer_the_first_is_taken_out() -> None:
    chosen = choose("Oslo", ROWS, [["Rome"]] * 3, np.random.default_rng(0))
    assert chosen.keys() == {"first", "other"}
    assert chosen["first"] == (7,)
    assert choose("Oslo", [7], [["Rome"]], np.random.default_rng(0)) == {"first": (7,)}, "nothing to compare with"
    assert choose("Oslo", [], [], np.random.default_rng(0)) == {}


def test_shares_are_of_all_answers_and_of_the_right_ones() -> None:
    found = effects([True, True, False, False], [True, False, True, False], [False, False, True, True], resamples=50)
    assert (found["answer_changed"][0].mean, found["answer_changed"][1]) == (0.5, 4)
    assert (found["right_lost"][0].mean, found["right_lost"][1]) == (0.5, 2)
    assert effects([True], [False], [False], resamples=50).keys() == {"answer_changed"}
    assert effects([], [], [], resamples=50) == {}


@pytest.mark.parametrize("prediction", ["", "the"])
def test_an_empty_answer_rests_on_nothing_that_says_something(prediction: str) -> None:
    assert "holder" not in choose(prediction, ROWS, [["Rome"]] * 3, np.random.default_rng(0))
