"""Arrow schemas of every table, and the stable ids of their rows.

An id hashes named columns (``ID_COLUMNS``), so the same input gives the same id on any machine and any
number of workers.
"""

import hashlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import pyarrow as pa

SCHEMA_VERSION: Final = 1
"""Raised when a column changes its meaning; part of every artifact key."""


def _table(**columns: pa.DataType | pa.Field) -> pa.Schema:
    fields = [
        column.with_name(name) if isinstance(column, pa.Field) else pa.field(name, column, nullable=False)
        for name, column in columns.items()
    ]
    return pa.schema(fields)


def _nullable(kind: pa.DataType) -> pa.Field:
    return pa.field("_", kind, nullable=True)


_TEXT, _INT, _FLOAT, _BOOL = pa.string(), pa.int32(), pa.float32(), pa.bool_()
_TEXTS = pa.list_(pa.field("element", pa.string(), nullable=False))

PASSAGES: Final = _table(passage_id=_TEXT, source=_TEXT, source_id=_TEXT, title=_TEXT, text=_TEXT)
ANNOTATIONS: Final = _table(
    annotation_id=_TEXT,
    passage_id=_TEXT,
    question=_TEXT,
    answers=_TEXTS,
    start=_INT,
)
ANSWERS: Final = _table(
    answer_id=_TEXT,
    passage_id=_TEXT,
    text=_TEXT,
    start=_INT,
    end=_INT,
    sum_logprob=_FLOAT,
    mean_logprob=_FLOAT,
    generator=_TEXT,
)
QUESTIONS: Final = _table(
    qa_id=_TEXT,
    answer_id=_TEXT,
    passage_id=_TEXT,
    question=_TEXT,
    sum_logprob=_FLOAT,
    mean_logprob=_FLOAT,
    generator=_TEXT,
)
VERDICTS: Final = _table(qa_id=_TEXT, predicted_answer=_TEXT, f1=_FLOAT, kept=_BOOL, reason=_TEXT, filter=_TEXT)
DUPLICATES: Final = _table(qa_id=_TEXT, survivor_id=_TEXT, rule=_TEXT)
QA_PAIRS: Final = _table(
    qa_id=_TEXT,
    question=_TEXT,
    answer=_TEXT,
    aliases=_TEXTS,
    passage_id=_nullable(_TEXT),
    start=_nullable(_INT),
    origin=_TEXT,
    generator=_nullable(_TEXT),
    score=_FLOAT,
)
PAIR_SPANS: Final = _table(
    qa_id=_TEXT, source=_TEXT, source_id=_TEXT, start=_nullable(_INT), text=_TEXT, extractor=_TEXT
)
NEGATIVES: Final = _table(example_id=_TEXT, qa_id=_TEXT, kind=_TEXT, rank=_INT, score=_FLOAT)
PRETRAIN_EXAMPLES: Final = _table(
    example_id=_TEXT,
    passage_id=_TEXT,
    masked_text=_TEXT,
    targets=_TEXTS,
    positive_ids=_TEXTS,
    negative_ids=_TEXTS,
)
QA_EXAMPLES: Final = _table(example_id=_TEXT, question=_TEXT, answers=_TEXTS, dataset=_TEXT, split=_TEXT)
MULTIHOP_EXAMPLES: Final = _table(example_id=_TEXT, first_qa_id=_TEXT, final_qa_id=_TEXT, tier=_TEXT, score=_FLOAT)
METRICS: Final = _table(
    table=_TEXT,
    row=_TEXT,
    dataset=_TEXT,
    split=_TEXT,
    metric=_TEXT,
    k=_nullable(_INT),
    x=_nullable(_FLOAT),
    memory=_TEXT,
    model_size=_TEXT,
    source=_TEXT,
    value=_FLOAT,
    low=_nullable(_FLOAT),
    high=_nullable(_FLOAT),
    n=_nullable(_INT),
    seed=_nullable(_INT),
)
RETRIEVALS: Final = _table(
    example_id=_TEXT, passage_ids=_TEXTS, scores=pa.list_(pa.field("element", _FLOAT, nullable=False))
)
PREDICTIONS: Final = _table(
    example_id=_TEXT,
    question=_TEXT,
    answers=_TEXTS,
    prediction=_TEXT,
    retrieved_ids=_TEXTS,
    weights=pa.list_(pa.field("element", _FLOAT, nullable=False)),
    exact_match=_BOOL,
    f1=_FLOAT,
    first_hit=_nullable(_INT),
    sum_logprob=_nullable(_FLOAT),
    margin=_nullable(_FLOAT),
)
ATTRIBUTIONS: Final = _table(
    example_id=_TEXT,
    question=_TEXT,
    taken=_TEXT,
    taken_ids=_TEXTS,
    prediction=_TEXT,
    prediction_then=_TEXT,
    changed=_BOOL,
    exact_match=_BOOL,
    exact_match_then=_BOOL,
)
OVERLAPS: Final = _table(example_id=_TEXT, overlap=_TEXT, train_question=_nullable(_TEXT), similarity=_nullable(_FLOAT))
REJECTS: Final = _table(source=_TEXT, record=_TEXT, reason=_TEXT)

TABLES: Final[Mapping[str, pa.Schema]] = MappingProxyType(
    {
        "passages": PASSAGES,
        "annotations": ANNOTATIONS,
        "answers": ANSWERS,
        "questions": QUESTIONS,
        "verdicts": VERDICTS,
        "duplicates": DUPLICATES,
        "qa_pairs": QA_PAIRS,
        "pair_spans": PAIR_SPANS,
        "negatives": NEGATIVES,
        "pretrain_examples": PRETRAIN_EXAMPLES,
        "qa_examples": QA_EXAMPLES,
        "multihop_examples": MULTIHOP_EXAMPLES,
        "metrics": METRICS,
        "retrievals": RETRIEVALS,
        "predictions": PREDICTIONS,
        "attributions": ATTRIBUTIONS,
        "overlaps": OVERLAPS,
        "rejects": REJECTS,
    }
)
"""Every table kind and its Arrow schema. ``predictions.first_hit`` is the 0-based rank of the first retrieved entry
whose answer is an exact match, or of the first passage that holds an answer, null when none is; ``sum_logprob`` is the
answer's log-probability, null where no decoder gave it; ``margin`` the best entry's score minus the second's, null
where there are not two."""

ID_COLUMNS: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = MappingProxyType(
    {
        "passages": ("passage_id", ("source", "source_id", "text")),
        "annotations": ("annotation_id", ("passage_id", "question", "start")),
        "answers": ("answer_id", ("passage_id", "start", "end")),
        "questions": ("qa_id", ("answer_id", "question")),
        "qa_examples": ("example_id", ("dataset", "split", "question")),
    }
)
"""Table kind -> (id column, the columns that it hashes)."""


def stable_id(*values: object) -> str:
    """Hash the values, in order, to 20 hexadecimal digits (80 bits).

    Values are joined by a separator that UTF-8 text cannot contain, so ``("ab", "c")`` and ``("a", "bc")`` differ.
    """
    digest = hashlib.sha256(b"\xff".join(str(value).encode() for value in values))
    return digest.hexdigest()[:20]
