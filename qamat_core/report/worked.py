"""Worked questions: what was asked and answered, the entries that were read with their weights, and their passages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Entry:
    """One retrieved entry; ``before``, ``span`` and ``after`` are its passage's text around the answer, if known."""

    question: str
    answer: str
    weight: float
    title: str = ""
    before: str = ""
    span: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True)
class WorkedQuestion:
    """A question with the gold answers, the prediction, whether it is right, and the entries read, best first."""

    question: str
    answers: tuple[str, ...]
    prediction: str
    right: bool
    entries: tuple[Entry, ...]


def work_out(
    predictions: pa.Table, memory: pa.Table, passages: Sequence[pa.Table], *, questions: int, entries: int
) -> list[WorkedQuestion]:
    """Show the first questions by ``example_id``, which is a hash: chosen neither by hand nor by what came of them.

    Args:
        predictions: a ``predictions`` table.
        memory: the ``qa_pairs`` that it was answered from.
        passages: tables that hold the entries' passages; one that is in none is left out.
        questions: how many questions.
        entries: how many entries of each.
    """
    chosen: list[Row] = predictions.sort_by("example_id").slice(0, questions).to_pylist()
    wanted = {qa_id for row in chosen for qa_id in row["retrieved_ids"][:entries]}
    pairs = _by_id([memory], "qa_id", wanted)
    texts = _by_id(passages, "passage_id", {pair["passage_id"] for pair in pairs.values() if pair["passage_id"]})
    return [_worked(row, pairs, texts, entries) for row in chosen]


def _worked(row: Row, pairs: Mapping[str, Row], texts: Mapping[str, Row], entries: int) -> WorkedQuestion:
    read = list(zip(row["retrieved_ids"], row["weights"], strict=True))[:entries]
    shown = tuple(_entry(pairs[qa_id], weight, texts) for qa_id, weight in read)
    return WorkedQuestion(row["question"], tuple(row["answers"]), row["prediction"], row["exact_match"], shown)


def _entry(pair: Row, weight: float, texts: Mapping[str, Row]) -> Entry:
    question, answer, start = pair["question"], pair["answer"], pair["start"]
    passage = texts.get(pair["passage_id"] or "")
    if passage is None:
        return Entry(question, answer, weight)
    text, title = passage["text"], passage["title"]
    if start is None or text[start : start + len(answer)] != answer:
        return Entry(question, answer, weight, title, text)
    return Entry(question, answer, weight, title, text[:start], answer, text[start + len(answer) :])


def _by_id(tables: Sequence[pa.Table], column: str, wanted: set[str]) -> dict[str, Row]:
    ids = pa.array(sorted(wanted), pa.string())
    found = [table.filter(pc.field(column).isin(ids)).to_pylist() for table in tables]
    return {row[column]: row for rows in found for row in rows}
