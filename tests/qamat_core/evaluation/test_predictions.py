import numpy as np
import pyarrow as pa
import pytest

from qamat_core.evaluation.calibration import Signals
from qamat_core.evaluation.predictions import accepted_answers, draw_questions, score_predictions, signals_of
from schemas.errors import InputError
from schemas.tables import PREDICTIONS, QA_EXAMPLES, QA_PAIRS


def pair(qa_id: str, answer: str, *aliases: str) -> dict[str, object]:
    row = {"qa_id": qa_id, "question": "q", "answer": answer, "aliases": list(aliases), "passage_id": None}
    return row | {"start": None, "origin": "gold", "generator": None, "score": 0.0}


def test_predictions_are_scored_against_their_examples() -> None:
    examples = pa.Table.from_pylist(
        [
            {"example_id": f"e{i}", "question": f"q{i}", "answers": answers, "dataset": "hotpotqa", "split": "dev"}
            for i, answers in enumerate([["Paris"], ["yes"]])
        ],
        schema=QA_EXAMPLES,
    )
    accepted = accepted_answers(
        pa.Table.from_pylist([pair("m1", "Lutetia", "Paris"), pair("m2", "Rome")], schema=QA_PAIRS)
    )
    assert accepted == {"m1": ["Lutetia", "Paris"], "m2": ["Rome"]}
    scored = score_predictions(examples, ["the Paris", "yes sir"], [["m2", "m1"], []], [[0.75, 0.25], []], accepted)
    assert scored.schema == PREDICTIONS
    first, second = scored.to_pylist()
    assert (first["exact_match"], first["f1"], first["first_hit"]) == (True, 1.0, 1)
    assert (second["exact_match"], second["f1"], second["first_hit"]) == (False, 0.0, None), "HotpotQA's rule"
    assert (first["sum_logprob"], first["margin"]) == (None, None)
    with pytest.raises(InputError, match="without log-probabilities"):
        signals_of(scored)
    scores, weights = np.array([[2.0, 1.25], [-np.inf, -np.inf]]), np.array([[0.75, 0.25], [0.0, 0.0]])
    sure = Signals.of(np.array([-0.50004, -3.0]), scores, weights)
    kept = score_predictions(examples, ["Paris", "no"], [["m2", "m1"], []], [[0.75, 0.25], []], accepted, sure)
    assert kept.column("margin").to_pylist() == [0.75, None]
    for given, read in zip(sure, signals_of(kept), strict=True):
        np.testing.assert_array_equal(given, read)


def test_every_example_needs_a_prediction() -> None:
    example = {"example_id": "e", "question": "q", "answers": ["a"], "dataset": "world", "split": "dev"}
    with pytest.raises(ValueError, match="zip"):
        score_predictions(pa.Table.from_pylist([example], schema=QA_EXAMPLES), [], [], [], {})


def test_a_sample_of_questions_is_drawn_by_the_seed_whatever_their_order() -> None:
    examples = pa.table({"example_id": [f"e{number:02d}" for number in range(20)]})
    drawn = draw_questions(examples, 5, 0)
    assert drawn.num_rows == 5
    assert draw_questions(examples.take(list(range(19, -1, -1))), 5, 0) == drawn
    assert draw_questions(examples, 5, 1) != drawn
    assert draw_questions(examples, 50, 0) == examples
