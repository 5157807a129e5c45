"""The table of predictions: what was answered to each question, from which entries, and whether it is right."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from qamat_core.evaluation.calibration import Signals
from qamat_core.evaluation.metrics import exact_match, f1, first_hit
from schemas.datasets import data_set
from schemas.errors import InputError
from schemas.tables import PREDICTIONS

Accepted = Mapping[str, Sequence[str]]
"""``qa_id`` -> the entry's answer and aliases."""


def accepted_answers(memory: pa.Table) -> dict[str, list[str]]:
    """Return, for every entry of a ``qa_pairs`` table, its answer and aliases."""
    columns = (memory.column(name).to_pylist() for name in ("qa_id", "answer", "aliases"))
    return {qa_id: [answer, *aliases] for qa_id, answer, aliases in zip(*columns, strict=True)}


def draw_questions(examples: pa.Table, count: int, seed: int) -> pa.Table:
    """Draw at most so many questions, in the order of their ids."""
    examples = examples.sort_by("example_id")
    drawn = np.random.default_rng(seed).permutation(examples.num_rows)[:count]
    return examples.take(np.sort(drawn))


def score_predictions(
    examples: pa.Table,
    predictions: Sequence[str],
    retrieved_ids: Sequence[Sequence[str]],
    weights: Sequence[Sequence[float]],
    accepted: Accepted,
    signals: Signals | None = None,
) -> pa.Table:
    """Score predictions against their examples.

    Args:
        examples: rows of ``qa_examples``, [n].
        predictions: the answer given to each, [n].
        retrieved_ids: the entries retrieved for each, best first; empty for a model without memory.
        weights: the weight of each retrieved entry, in the same shape.
        accepted: the answers of every retrieved entry.
        signals: how sure each answer is, [n]; None for a baseline without a decoder.

    Returns:
        A ``predictions`` table, in the order of the examples.
    """
    hits = [
        first_hit([accepted[qa_id] for qa_id in ids], example["answers"], data_set(example["dataset"]).script)
        for example, ids in zip(examples.to_pylist(), retrieved_ids, strict=True)
    ]
    return score_readings(examples, predictions, retrieved_ids, weights, hits, signals)


def score_readings(
    examples: pa.Table,
    predictions: Sequence[str],
    retrieved_ids: Sequence[Sequence[str]],
    weights: Sequence[Sequence[float]],
    first_hits: Sequence[int | None],
    signals: Signals | None = None,
) -> pa.Table:
    """Score predictions as ``score_predictions`` does, where what was read has no answers of its own: passages.

    Args:
        examples: as of ``score_predictions``, like what is not named here.
        first_hits: the rank of the first of each question's passages that holds an answer, [n]; None for none.
    """
    rows = zip(examples.to_pylist(), predictions, retrieved_ids, weights, first_hits, strict=True)
    scored = [_score(*row) for row in rows]
    nothing = np.full(len(scored), np.nan)
    sure = (signals.sum_logprob, signals.margin) if signals else (nothing, nothing)
    for row, logprob, margin in zip(scored, *sure, strict=True):
        row["sum_logprob"], row["margin"] = (None if np.isnan(value) else float(value) for value in (logprob, margin))
    return pa.Table.from_pylist(scored, schema=PREDICTIONS)


def signals_of(predictions: pa.Table) -> Signals:
    """Return how sure each answer of a ``predictions`` table is.

    Raises:
        InputError: a baseline without a decoder answered.
    """
    if predictions.column("sum_logprob").null_count:
        raise InputError("predictions without log-probabilities: no decoder gave these answers, evaluate a checkpoint")
    logprobs, margin = (predictions.column(name).to_numpy().astype(np.float64) for name in ("sum_logprob", "margin"))
    weights = [max(row, default=0.0) for row in predictions.column("weights").to_pylist()]
    return Signals.rounded(logprobs, margin, np.array(weights))


def _score(
    example: Mapping[str, Any], prediction: str, ids: Sequence[str], weights: Sequence[float], hit: int | None
) -> dict[str, object]:
    answers, script = example["answers"], data_set(example["dataset"]).script
    return {
        "example_id": example["example_id"],
        "question": example["question"],
        "answers": answers,
        "prediction": prediction,
        "retrieved_ids": list(ids),
        "weights": list(weights),
        "exact_match": exact_match(prediction, answers, script),
        "f1": f1(prediction, answers, script),
        "first_hit": hit,
    }
