"""The table of predictions: what was answered to each question, from which entries, and whether it is right."""

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from qamat_core.evaluation.metrics import exact_match, f1, f1_rule, first_hit
from schemas.tables import PREDICTIONS

Accepted = Mapping[str, Sequence[str]]
"""``qa_id`` -> the entry's answer and aliases."""


def accepted_answers(memory: pa.Table) -> dict[str, list[str]]:
    """Return, for every entry of a ``qa_pairs`` table, its answer and aliases."""
    columns = (memory.column(name).to_pylist() for name in ("qa_id", "answer", "aliases"))
    return {qa_id: [answer, *aliases] for qa_id, answer, aliases in zip(*columns, strict=True)}


def score_predictions(
    examples: pa.Table,
    predictions: Sequence[str],
    retrieved_ids: Sequence[Sequence[str]],
    weights: Sequence[Sequence[float]],
    accepted: Accepted,
) -> pa.Table:
    """Score predictions against their examples.

    Args:
        examples: rows of ``qa_examples``, [n].
        predictions: the answer given to each, [n].
        retrieved_ids: the entries retrieved for each, best first; empty for a model without memory.
        weights: the weight of each retrieved entry, in the same shape.
        accepted: the answers of every retrieved entry.

    Returns:
        A ``predictions`` table, in the order of the examples.
    """
    rows = zip(examples.to_pylist(), predictions, retrieved_ids, weights, strict=True)
    return pa.Table.from_pylist(
        [_score(example, answer, ids, of_ids, accepted) for example, answer, ids, of_ids in rows], schema=PREDICTIONS
    )


def _score(
    example: Mapping[str, Any], prediction: str, ids: Sequence[str], weights: Sequence[float], accepted: Accepted
) -> dict[str, object]:
    answers = example["answers"]
    return {
        "example_id": example["example_id"],
        "question": example["question"],
        "answers": answers,
        "prediction": prediction,
        "retrieved_ids": list(ids),
        "weights": list(weights),
        "exact_match": exact_match(prediction, answers),
        "f1": f1(prediction, answers, f1_rule(example["dataset"])),
        "first_hit": first_hit([accepted[qa_id] for qa_id in ids], answers),
    }
