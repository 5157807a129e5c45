"""Which test questions could be answered by heart: their overlap with the training questions of the data set.

After Lewis, Stenetorp and Riedel (2021, arXiv 2008.02637), who let people mark paraphrases. Here a test question
repeats a training question if they have an answer in common, by the script's normal form, and the Jaccard similarity of
their word sets is at least a threshold. That needs no search, as only questions with a common answer are compared; but
it misses paraphrases in other words, and takes for one a question that differs in the one word that matters.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Literal

import pyarrow as pa

from qamat_core.evaluation.metrics import normal_form
from qamat_core.text import word_tokens
from schemas.datasets import data_set
from schemas.tables import OVERLAPS

Overlap = Literal["question", "answer", "none"]
"""A training question is repeated; only an answer is one of a training question; neither."""
OVERLAP_KINDS: Final[tuple[Overlap, ...]] = ("question", "answer", "none")


def near_questions(train: pa.Table, test: pa.Table, threshold: float) -> pa.Table:
    """Return the overlap of every test question, in their order.

    Args:
        train: ``qa_examples`` that are trained on.
        test: ``qa_examples`` that are asked.
        threshold: the least Jaccard similarity of a repeated question, over 0 up to 1.

    Returns:
        An ``overlaps`` table; ``train_question`` is the most similar one with a common answer.
    """
    by_answer: dict[str, dict[str, frozenset[str]]] = {}
    for question, forms in _asked(train):
        words = frozenset(word_tokens(question))
        for form in forms:
            by_answer.setdefault(form, {})[question] = words
    ids = test.column("example_id").to_pylist()
    rows = [_row(qa_id, *asked, by_answer, threshold) for qa_id, asked in zip(ids, _asked(test), strict=True)]
    return pa.Table.from_pylist(rows, schema=OVERLAPS)


def _asked(examples: pa.Table) -> Iterator[tuple[str, Sequence[str]]]:
    """Give every question and the normal forms of its answers; an answer of nothing but articles has none."""
    for row in examples.select(["question", "answers", "dataset"]).to_pylist():
        script = data_set(row["dataset"]).script
        yield row["question"], [form for answer in row["answers"] if (form := normal_form(answer, script))]


def _row(
    example_id: str,
    question: str,
    forms: Sequence[str],
    by_answer: Mapping[str, Mapping[str, frozenset[str]]],
    threshold: float,
) -> dict[str, Any]:
    words = frozenset(word_tokens(question))
    near = {other: _jaccard(words, its) for form in forms for other, its in by_answer.get(form, {}).items()}
    if not near:
        return {"example_id": example_id, "overlap": "none", "train_question": None, "similarity": None}
    best = min(near, key=lambda other: (-near[other], other))
    kind: Overlap = "question" if near[best] >= threshold else "answer"
    return {"example_id": example_id, "overlap": kind, "train_question": best, "similarity": near[best]}


def _jaccard(one: frozenset[str], other: frozenset[str]) -> float:
    both = len(one & other)
    return both / (len(one) + len(other) - both) if one or other else 1.0
