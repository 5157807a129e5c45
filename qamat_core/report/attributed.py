"""Answers shown with the entry that they rested on, and what was answered without it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc


@dataclass(frozen=True, slots=True)
class Attributed:
    """A question, its answer, the entry taken out, the answer then."""

    question: str
    prediction: str
    right: bool
    entry_question: str
    entry_answer: str
    then: str
    right_then: bool
    changed: bool


def attributed(attributions: pa.Table, memory: pa.Table, count: int) -> Sequence[Attributed]:
    """Show the first questions by ``example_id``, which is a hash: chosen neither by hand nor by what came of them.

    Args:
        attributions: an ``attributions`` table; the cases where the entry that the answer rests on was taken out.
        memory: the ``qa_pairs`` that was answered from.
        count: how many questions.
    """
    rested = attributions.filter(pc.field("taken").isin(["holder", "first"])).sort_by("example_id")
    cases: list[dict[str, Any]] = rested.slice(0, count).to_pylist()
    ids = pa.array([case["taken_ids"][0] for case in cases], pa.string())
    pairs = {pair["qa_id"]: pair for pair in memory.filter(pc.field("qa_id").isin(ids)).to_pylist()}
    return [_shown(case, pairs[case["taken_ids"][0]]) for case in cases]


def _shown(case: dict[str, Any], pair: dict[str, Any]) -> Attributed:
    return Attributed(
        question=case["question"],
        prediction=case["prediction"],
        right=case["exact_match"],
        entry_question=pair["question"],
        entry_answer=pair["answer"],
        then=case["prediction_then"],
        right_then=case["exact_match_then"],
        changed=case["changed"],
    )
