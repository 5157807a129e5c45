"""The audit's memories are made as they say, and mining is right on MuSiQue's decompositions."""

import math
from pathlib import Path

import pytest

from schemas.errors import ConfigError
from tests.benchmarks.bench_multihop import HOPS, held_out, judge, nearest, our_miner, rows
from tests.benchmarks.multihop_audit import Audit, cloze_spans, clozes, hotpotqa, musique


@pytest.fixture(scope="module")
def two_hop(shared_data: Path) -> Audit:
    return musique(shared_data, other_pairs=False)


def test_spans_are_neighbouring_names_and_numbers():
    sentence = "In 1854, the University of Kansas moved to St. Louis, Missouri."
    spans = [sentence[start:end] for start, end in cloze_spans(sentence)]
    assert spans == [
        *("1854", "1854, the University", "1854, the University of Kansas"),
        *("University", "University of Kansas", "Kansas", "St. Louis", "St. Louis, Missouri", "Missouri"),
    ]


def test_a_cloze_is_headed_by_its_title_where_the_sentence_lacks_it():
    assert list(clozes("Ada (poet)", "She lived in Rome.")) == [("Ada: She lived in what.", "Rome")]
    assert list(clozes("Ada (poet)", "Ada lived.")) == [("what lived.", "Ada")]


def test_the_true_entries_of_a_question_are_its_sub_questions(two_hop: Audit):
    assert len(two_hop.questions) == 1252 + 68
    row_of = two_hop.memory.row_of
    for question in two_hop.questions:
        (first,), (final,) = question.first, question.final
        assert "#1" not in two_hop.memory.questions[row_of[final]]
        assert two_hop.memory.answers[row_of[first]].strip() in two_hop.memory.questions[row_of[final]]


def test_mining_is_right_on_musique_and_better_than_the_nearest_entries(two_hop: Audit):
    miners = our_miner(two_hop.memory), nearest(two_hop.memory)
    verdicts = [[judge(two_hop, question, miner) for question in held_out(two_hop)] for miner in miners]
    ours, theirs = (sum(verdict.both for verdict in judged) for judged in verdicts)
    assert ours > 0.9 * len(held_out(two_hop))
    assert ours > 1.1 * theirs


def test_rows_hold_numbers_that_json_can_carry(two_hop: Audit):
    printed = list(rows("MuSiQue", two_hop, held_out(two_hop)[:20], {}))
    assert [row.measure.split(": ")[1] for row in printed] == [
        f"{measure} of {said}" for said in HOPS.values() for measure in ("precision", "recall")
    ]
    assert all(math.isfinite(number) for row in printed for number in (row.ours, row.theirs, row.ratio))


def test_only_questions_whose_paragraphs_are_there_are_asked(shared_data: Path):
    audit = hotpotqa(shared_data)
    passages = set(audit.memory.passages)
    assert len(audit.questions) == 352  # of 700: most of dev500 lacks a supporting paragraph
    assert all(question.final <= passages for question in audit.questions)
    assert {question.kind for question in audit.questions} == {"bridge", "comparison", "yes/no"}


def test_a_missing_file_is_named(tmp_path: Path):
    with pytest.raises(ConfigError, match=r"musique_dev_decomposition\.json is missing; set QAMAT_SHARED_DATA"):
        musique(tmp_path, other_pairs=False)
