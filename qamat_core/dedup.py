"""Which question-answer pairs go into a memory: kept by the filter, one an answer span, one a question (section 4.1).

Of pairs that share a key, the one with the highest score survives, then the one with the smallest id; the others
stand in ``duplicates`` with the survivor and the rule. A survivor of the first rule may fall to the second: follow
``survivor_id`` to its end.
"""

import hashlib
from typing import Final

import polars as pl
import pyarrow as pa

from qamat_core.text import normalize_question
from schemas.errors import IncompatibleArtifactError
from schemas.tables import DUPLICATES, QA_PAIRS

ORIGIN_GENERATED: Final = "generated"
RULE_SPAN: Final = "answer-span"
RULE_QUESTION: Final = "question"

_SCORE_DIGITS: Final = 4
_BEST_FIRST: Final = ("score", "qa_id", "answer", "origin")


def kept_pairs(answers: pa.Table, questions: pa.Table, verdicts: pa.Table) -> pa.Table:
    """Return the pairs that the filter kept, as rows of ``qa_pairs`` scored by the question's mean log-probability.

    Args:
        answers: one shard of ``answers``.
        questions: the aligned shard of ``questions``; each row has its answer and its verdict.
        verdicts: the aligned shard of ``verdicts``.

    Raises:
        IncompatibleArtifactError: a question has no answer or no verdict: the tables are not of one corpus.
    """
    joined = (
        _frame(questions)
        .join(_frame(verdicts).select("qa_id", "kept"), on="qa_id", validate="1:1")
        .join(_frame(answers).select("answer_id", "text", "start"), on="answer_id", validate="m:1")
    )
    if joined.height != questions.num_rows:
        raise IncompatibleArtifactError(
            f"{questions.num_rows - joined.height} questions have no answer or no verdict in their shard: "
            "give answers, questions and verdicts of one corpus"
        )
    pairs = joined.filter("kept").select(
        "qa_id",
        "question",
        pl.col("text").alias("answer"),
        pl.lit([], pl.List(pl.String)).alias("aliases"),
        "passage_id",
        "start",
        pl.lit(ORIGIN_GENERATED).alias("origin"),
        "generator",
        pl.col("mean_logprob").cast(pl.Float64).round(_SCORE_DIGITS).alias("score"),
    )
    return _rows(pairs, QA_PAIRS)


def one_per_span(pairs: pa.Table) -> tuple[pa.Table, pa.Table]:
    """Return the survivors, one an answer span (passage and start, answer), and the duplicates; both sorted by id.

    The pairs of a passage must stand in one table. A pair that comes from no passage has no span and survives.
    """
    spanless = pl.col("passage_id").is_null() | pl.col("start").is_null()
    span = pl.struct("passage_id", "start", "answer", pl.when(spanless).then("qa_id"))
    return _survivors(_frame(pairs).with_columns(span.alias("key")), RULE_SPAN)


def one_per_question(pairs: pa.Table) -> tuple[pa.Table, pa.Table]:
    """Return the survivors, one a normalised question, and the duplicates; both sorted by id."""
    keys = [normalize_question(question) for question in pairs.column("question").to_pylist()]
    return _survivors(_frame(pairs).with_columns(pl.Series("key", keys, pl.String)), RULE_QUESTION)


def split_by_question(pairs: pa.Table, partitions: int) -> dict[int, pa.Table]:
    """Divide pairs so that equal normalised questions meet; leave out partitions without rows."""
    numbers = [_partition(question, partitions) for question in pairs.column("question").to_pylist()]
    frame = _frame(pairs).with_columns(pl.Series("partition", numbers, pl.Int64))
    parts = frame.partition_by("partition", as_dict=True, include_key=False)
    return {int(number): _rows(part, QA_PAIRS) for (number,), part in parts.items()}


def _partition(question: str, partitions: int) -> int:
    digest = hashlib.blake2b(normalize_question(question).encode(), digest_size=8).digest()
    return int.from_bytes(digest) % partitions


def _survivors(frame: pl.DataFrame, rule: str) -> tuple[pa.Table, pa.Table]:
    """Keep the best row of each value of the column ``key``."""
    ranked = frame.sort(_BEST_FIRST, descending=[True, False, False, False]).with_columns(
        first=pl.int_range(pl.len()).over("key") == 0, survivor_id=pl.col("qa_id").first().over("key")
    )
    duplicates = ranked.filter(~pl.col("first")).select("qa_id", "survivor_id", pl.lit(rule).alias("rule"))
    survivors = ranked.filter("first").sort("qa_id")
    return _rows(survivors, QA_PAIRS), _rows(duplicates.sort("qa_id", "survivor_id"), DUPLICATES)


def _frame(table: pa.Table) -> pl.DataFrame:
    frame = pl.from_arrow(table)
    assert isinstance(frame, pl.DataFrame)
    return frame


def _rows(frame: pl.DataFrame, schema: pa.Schema) -> pa.Table:
    return pa.table(frame.select(schema.names).to_arrow()).cast(schema)
