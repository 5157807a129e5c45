"""Imported pairs before they are part of a memory: candidates -> pairs placed in passages, one an answer span.

A candidate is a row of ``qa_pairs`` whose answer span is known by the passage's source and its id there (``source``,
``source_id``, null without a span) and that remembers the file and line that it was read from (``place``).
"""

from dataclasses import asdict
from typing import Final

import polars as pl
import pyarrow as pa

from qamat_core.dedup.survivors import one_per_span
from qamat_core.readers.lines import reject
from qamat_core.readers.pairs_records import ImportedPair, Span
from schemas.tables import QA_PAIRS, REJECTS

CANDIDATES: Final = pa.schema(
    [
        *QA_PAIRS,
        pa.field("source", pa.string()),
        pa.field("source_id", pa.string()),
        pa.field("place", pa.string(), nullable=False),
    ]
)
REPEATED: Final = "the same pair stands earlier"
_SEPARATOR: Final = "\x1f"


def candidate_row(pair: ImportedPair, origin: str) -> dict[str, object]:
    """Return a pair as a row of ``CANDIDATES``."""
    span = pair.spans[0] if pair.spans else None
    return {
        "qa_id": pair.qa_id(origin),
        "question": pair.question,
        "answer": pair.answer,
        "aliases": list(pair.aliases),
        "passage_id": None,
        "start": span.start if span else None,
        "origin": origin,
        "generator": None,
        "score": pair.score,
        "source": span.source if span else None,
        "source_id": span.source_id if span else None,
        "place": pair.place,
    }


def span_row(qa_id: str, span: Span) -> dict[str, object]:
    """Return a span of a pair as a row of ``pair_spans``."""
    return {
        "qa_id": qa_id,
        "source": span.source,
        "source_id": span.source_id,
        "start": span.start,
        "text": span.text,
        "extractor": span.extractor,
    }


def candidate_keys(candidates: pa.Table) -> list[str]:
    """Return, for every candidate, what all pairs of its passage share; the id of one without a span."""
    columns = (candidates.column(name).to_pylist() for name in ("source", "source_id", "qa_id"))
    return [
        qa_id if source is None else _key(source, source_id) for source, source_id, qa_id in zip(*columns, strict=True)
    ]


def passage_keys(passages: pa.Table) -> list[str]:
    """Return, for every passage, the key that ``candidate_keys`` gives its pairs."""
    columns = (passages.column(name).to_pylist() for name in ("source", "source_id"))
    return [_key(source, source_id) for source, source_id in zip(*columns, strict=True)]


def settle_spans(candidates: pa.Table, passages: pa.Table | None) -> tuple[pa.Table, pa.Table, pa.Table]:
    """Return pairs, one an answer span, ``duplicates``, and ``rejects`` (pairs that stand there twice).

    ``passage_id`` is that of the passage with the pair's source and source id, ``start`` is kept where this passage
    holds the answer there; both are null where no passages are given or none is found.

    Args:
        candidates: all candidates of some passages, in the order in which they were read.
        passages: the passages of these keys and perhaps others.
    """
    frame = _frame(candidates).with_columns(pl.Series("key", candidate_keys(candidates), pl.String))
    again = frame.filter(~pl.col("qa_id").is_first_distinct())
    frame = frame.filter(pl.col("qa_id").is_first_distinct())
    spanned = frame.with_columns(passage_id=pl.when(pl.col("source").is_not_null()).then("key"))
    survivors, duplicates = one_per_span(pa.table(spanned.select(QA_PAIRS.names).to_arrow()).cast(QA_PAIRS))
    pairs = _frame(survivors).drop("passage_id", "start").join(_placed(frame, passages), on="qa_id").sort("qa_id")
    rejects = [
        asdict(reject(place, question, REPEATED)) for place, question in again.select("place", "question").rows()
    ]
    return (
        pa.table(pairs.select(QA_PAIRS.names).to_arrow()).cast(QA_PAIRS),
        duplicates,
        pa.Table.from_pylist(rejects, schema=REJECTS),
    )


def _placed(frame: pl.DataFrame, passages: pa.Table | None) -> pl.DataFrame:
    """Return ``passage_id`` and ``start`` of every candidate by ``qa_id``."""
    if passages is None:
        return frame.select("qa_id", passage_id=pl.lit(None, pl.String), start=pl.lit(None, pl.Int32))
    known = _frame(passages).select("passage_id", "text", key=pl.Series(passage_keys(passages), dtype=pl.String))
    known = known.sort("passage_id").unique("key", keep="first", maintain_order=True)
    held = pl.col("text").str.slice(pl.col("start"), pl.col("answer").str.len_chars()) == pl.col("answer")
    joined = frame.drop("passage_id").join(known, on="key", how="left")
    return joined.select("qa_id", "passage_id", start=pl.when(held).then("start"))


def _key(source: str, source_id: str) -> str:
    return f"{source}{_SEPARATOR}{source_id}"


def _frame(table: pa.Table) -> pl.DataFrame:
    frame = pl.from_arrow(table)
    assert isinstance(frame, pl.DataFrame)
    return frame
