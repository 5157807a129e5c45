"""Deduplication loses nothing, keeps the best and does not depend on order or partitions."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qamat_core.dedup.changes import deduplicate
from qamat_core.dedup.partitions import read_partition, write_spill
from qamat_core.dedup.survivors import EXACT, kept_pairs, one_per_question, one_per_span
from qamat_core.text import normalize_question
from schemas.errors import IncompatibleArtifactError
from schemas.tables import ANSWERS, QA_PAIRS, QUESTIONS, VERDICTS

Row = dict[str, object]


@st.composite
def pairs(draw: st.DrawFn) -> list[Row]:
    count = draw(st.integers(0, 12))
    return [
        {
            "qa_id": f"id{number:02}",
            "question": draw(
                st.sampled_from(["Who is it?", "who is  it", "Where was X born?", "ÉTÉ", "e\u0301te\u0301"])
            ),
            "answer": draw(st.sampled_from(["a", "b"])),
            "aliases": draw(st.sampled_from([[], ["c"]])),
            "passage_id": draw(st.sampled_from(["p", "q", None])),
            "start": draw(st.sampled_from([0, 5])),
            "origin": "generated",
            "generator": None,
            "score": draw(st.sampled_from([-1.0, -0.5, 0.0])),
        }
        for number in range(count)
    ]


def _table(rows: list[Row]) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=QA_PAIRS)


def _best(rows: list[Row], key: object) -> dict[object, str]:
    """An independent way to the survivors: a dictionary filled from worst to best."""
    assert callable(key)
    ranked = sorted(rows, key=lambda row: (-float(str(row["score"])), str(row["qa_id"])), reverse=True)
    return {key(row): str(row["qa_id"]) for row in ranked}


@given(pairs())
@settings(deadline=None)
def test_one_per_question_keeps_the_best_of_each(rows: list[Row]):
    survivors, duplicates = one_per_question(_table(rows))
    best = _best(rows, lambda row: normalize_question(row["question"]))
    assert survivors.column("qa_id").to_pylist() == sorted(best.values())
    survivor_of = dict(zip(duplicates["qa_id"].to_pylist(), duplicates["survivor_id"].to_pylist(), strict=True))
    lost = {row["qa_id"]: best[normalize_question(str(row["question"]))] for row in rows}
    assert survivor_of == {qa_id: best_id for qa_id, best_id in lost.items() if qa_id != best_id}


@given(pairs())
@settings(deadline=None)
def test_one_per_span_keeps_the_best_of_each_and_all_that_have_no_span(rows: list[Row]):
    survivors, duplicates = one_per_span(_table(rows))
    best = _best(rows, lambda r: (r["passage_id"], r["start"], r["answer"]) if r["passage_id"] else r["qa_id"])
    assert survivors.column("qa_id").to_pylist() == sorted(best.values())
    assert survivors.num_rows + duplicates.num_rows == len(rows)


@given(pairs(), st.randoms(use_true_random=False))
@settings(deadline=None)
def test_survivors_do_not_depend_on_the_order_and_come_unchanged(rows: list[Row], random):  # pyright: ignore
    shuffled = rows.copy()
    random.shuffle(shuffled)
    assert one_per_question(_table(rows))[0] == one_per_question(_table(shuffled))[0]
    survivors = one_per_question(_table(rows))[0].to_pylist()
    assert all(row in rows for row in survivors)


@given(pairs(), st.integers(1, 5), st.integers(1, 3))
@settings(deadline=None)
def test_partitions_together_give_what_one_pass_gives(rows: list[Row], partitions: int, files: int):
    with TemporaryDirectory() as folder:
        paths = [Path(folder) / str(number) for number in range(files)]
        for number, path in enumerate(paths):
            write_spill(_table(rows[number::files]), EXACT.keys, partitions, path)
        parts = [deduplicate(EXACT, read_partition(paths, number)) for number in range(partitions)]
    merged = [row for part in parts for row in part.survivors.select(QA_PAIRS.names).to_dicts()]
    assert sorted(merged, key=lambda row: row["qa_id"]) == one_per_question(_table(rows))[0].to_pylist()


def _generated(kept: list[bool]) -> tuple[pa.Table, pa.Table, pa.Table]:
    scores = {"sum_logprob": -1.0, "mean_logprob": -0.123456, "generator": "g"}
    numbers = range(len(kept))
    answers = [
        {"answer_id": f"a{n}", "passage_id": "p", "text": f"t{n}", "start": n, "end": n + 2, **scores} for n in numbers
    ]
    questions = [
        {"qa_id": f"q{n}", "answer_id": f"a{n}", "passage_id": "p", "question": f"w{n}?", **scores} for n in numbers
    ]
    verdicts = [
        {"qa_id": f"q{n}", "predicted_answer": "", "f1": 1.0, "kept": keep, "reason": "", "filter": "f"}
        for n, keep in enumerate(kept)
    ]
    return (
        pa.Table.from_pylist(answers, schema=ANSWERS),
        pa.Table.from_pylist(questions, schema=QUESTIONS),
        pa.Table.from_pylist(verdicts, schema=VERDICTS),
    )


def test_only_kept_pairs_come_through_with_the_answer_of_their_span():
    rows = kept_pairs(*_generated([True, False, True])).to_pylist()
    assert [(row["qa_id"], row["answer"], row["start"]) for row in rows] == [("q0", "t0", 0), ("q2", "t2", 2)]
    assert {(row["origin"], row["generator"], round(row["score"], 6)) for row in rows} == {("generated", "g", -0.1235)}


def test_tables_of_two_corpora_are_refused():
    answers, questions, verdicts = _generated([True, True])
    with pytest.raises(IncompatibleArtifactError, match="1 questions have no answer or no verdict"):
        kept_pairs(answers.slice(1), questions, verdicts)
