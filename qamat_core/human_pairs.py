"""Pairs that people wrote, as a memory: questions of data sets with their answers, and pairs of imported corpora."""

from collections.abc import Sequence

import pyarrow as pa

from qamat_core.dedup.survivors import one_per_question
from qamat_core.readers.pairs_plain import without
from qamat_core.readers.pairs_records import ImportedPair
from schemas.tables import QA_PAIRS


def pairs_of(examples: pa.Table) -> pa.Table:
    """Return the pairs of a ``qa_examples`` table: the first answer, the others as aliases; the data set as origin."""
    rows = [_row(row["question"], row["answers"], row["dataset"]) for row in examples.to_pylist()]
    return pa.Table.from_pylist(rows, schema=QA_PAIRS)


def gather(tables: Sequence[pa.Table]) -> tuple[pa.Table, pa.Table]:
    """Join tables of ``qa_pairs``; return one pair a normalised question, and the ``duplicates``.

    A pair that stands there twice with the same id counts once, and is no duplicate of itself.
    """
    rows = {row["qa_id"]: row for table in reversed(tables) for row in table.to_pylist()}
    return one_per_question(pa.Table.from_pylist(list(rows.values()), schema=QA_PAIRS))


def _row(question: str, answers: Sequence[str], origin: str) -> dict[str, object]:
    first, *others = answers
    return {
        "qa_id": ImportedPair("", question, first).qa_id(origin),
        "question": question,
        "answer": first,
        "aliases": list(without(first, others)),
        "passage_id": None,
        "start": None,
        "origin": origin,
        "generator": None,
        "score": 0.0,
    }
