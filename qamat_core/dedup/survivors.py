"""Which question-answer pairs go into a memory: kept by the filter, one an answer span, one a question (section 4.1).

Of pairs that are duplicates, the one with the highest score survives, then the one with the smallest id; the others
stand in ``duplicates`` with the survivor and the rule. A survivor of one rule may fall to the next: follow
``survivor_id`` to its end.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import polars as pl
import pyarrow as pa

from qamat_core.dedup.keys import question_keys
from qamat_core.dedup.partitions import Keys, frame_of
from schemas.errors import IncompatibleArtifactError
from schemas.tables import DUPLICATES, QA_PAIRS

ORIGIN_GENERATED: Final = "generated"
RULE_SPAN: Final = "answer-span"
RULE_QUESTION: Final = "question"

_SCORE_DIGITS: Final = 4
_BEST_FIRST: Final = ("score", "qa_id")


@dataclass(frozen=True)
class Rule:
    """One way of being duplicates.

    ``keys`` gives a key a row: rows of unlike keys are never duplicates, so each key can be judged apart from all
    others. ``clusters`` gives a label a row of a frame with the column ``key``: rows of one label are duplicates.
    """

    name: str
    keys: Keys
    clusters: Callable[[pl.DataFrame], pl.Series]


def _by_key(keyed: pl.DataFrame) -> pl.Series:
    return keyed["key"]


EXACT: Final = Rule(RULE_QUESTION, question_keys, _by_key)
"""One a normalised question."""


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
        frame_of(questions)
        .join(frame_of(verdicts).select("qa_id", "kept"), on="qa_id", validate="1:1")
        .join(frame_of(answers).select("answer_id", "text", "start"), on="answer_id", validate="m:1")
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
    return rows_of(pairs, QA_PAIRS)


def one_per_span(pairs: pa.Table) -> tuple[pa.Table, pa.Table]:
    """Return the survivors, one an answer span (passage and start, answer), and the duplicates; both sorted by id.

    The pairs of a passage must stand in one table. A pair that comes from no passage has no span and survives.
    """
    spanless = pl.col("passage_id").is_null() | pl.col("start").is_null()
    span = pl.struct("passage_id", "start", "answer", pl.when(spanless).then("qa_id"))
    frame = frame_of(pairs)
    return _tables(*_survivors(frame, frame.select(span).to_series(), RULE_SPAN))


def one_per_question(pairs: pa.Table) -> tuple[pa.Table, pa.Table]:
    """Return the survivors, one a normalised question, and the duplicates; both sorted by id."""
    return one_per(EXACT, pairs)


def one_per(rule: Rule, pairs: pa.Table) -> tuple[pa.Table, pa.Table]:
    """Return the survivors of a rule and the duplicates; both sorted by id."""
    frame = frame_of(pairs)
    return _tables(*survivors(rule, frame.with_columns(rule.keys(frame).alias("key"))))


def survivors(rule: Rule, keyed: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the survivors of a rule and the duplicates (``qa_id``, ``survivor_id``, ``rule``), both sorted by id.

    Args:
        rule: says what is a duplicate of what.
        keyed: rows of ``qa_pairs`` with the column ``key``, in any order; all rows of each key.
    """
    return _survivors(keyed, rule.clusters(keyed), rule.name)


def rows_of(frame: pl.DataFrame, schema: pa.Schema) -> pa.Table:
    """Return a frame as a table of this schema."""
    return pa.table(frame.select(schema.names).rechunk().to_arrow()).cast(schema)


def _survivors(frame: pl.DataFrame, clusters: pl.Series, rule: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Keep the best row of each cluster; rows that are alone in theirs are not ranked."""
    shared = clusters.is_duplicated()
    ranked = (
        frame.select(*_BEST_FIRST, clusters.alias("cluster"), row=pl.int_range(pl.len()))
        .filter(shared)
        .sort(_BEST_FIRST, descending=[True, False], maintain_order=True)
        .with_columns(pl.col("cluster").is_first_distinct().alias("best"))
    )
    best = ranked.filter("best")
    fallen = (
        ranked.filter(~pl.col("best"))
        .join(best.select("cluster", survivor_id="qa_id"), on="cluster")
        .select("qa_id", "survivor_id", pl.lit(rule).alias("rule"))
    )
    alone = frame.select("qa_id", row=pl.int_range(pl.len())).filter(~shared)
    kept = pl.concat([alone, best.select("qa_id", "row")]).sort("qa_id", maintain_order=True)
    return frame[kept["row"]], fallen.sort("qa_id", maintain_order=True)


def _tables(kept: pl.DataFrame, fallen: pl.DataFrame) -> tuple[pa.Table, pa.Table]:
    return rows_of(kept, QA_PAIRS), rows_of(fallen, DUPLICATES)
