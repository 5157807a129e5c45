"""Every input of FiD is the question with one passage."""

import numpy as np
import pytest
from pydantic import ValidationError

from qamat_core.fid.examples import answer_targets, passage_inputs
from schemas.fid import FidConfig
from schemas.records import Passage
from tests.qamat_core.qamat import tiny

CONFIG = FidConfig(t5=tiny.config().t5, passages=3, passage_length=40, question_length=12, target_length=4)
ADA, BELA, CLEO, DORA = (
    Passage.of("test", name, name, f"{name} lives in {town}.")
    for name, town in zip(tiny.PEOPLE[:4], tiny.TOWNS, strict=False)
)


def test_an_input_is_question_title_and_context_with_an_end():
    roomy = FidConfig(t5=CONFIG.t5, passages=3, passage_length=90, question_length=40)
    (rows,) = passage_inputs(["Where is Ada?"], [[ADA, BELA]], tiny.tokenizer(), roomy)
    whole = tiny.tokenizer().encode("question: Where is Ada? title: Bela context: Bela lives in Stad.")
    assert rows[1].tolist() == [*whole, 1, *[0] * (89 - len(whole))]
    assert [(row == 1).sum() for row in rows] == [1, 1, 0]
    assert not rows[2].any()


def test_what_is_too_long_is_cut_and_the_best_passages_stay():
    long = "Where " * 30
    (rows,) = passage_inputs([long], [[ADA, BELA, CLEO, DORA]], tiny.tokenizer(), CONFIG)
    assert rows.shape == (3, 40)
    asked = tiny.tokenizer().encode(f"question: {long}")[:12]
    for row, name in zip(rows, tiny.PEOPLE, strict=False):
        assert row[:12].tolist() == asked
        assert name in tiny.tokenizer().decode(row[12:])
    ((cut, *_),) = passage_inputs(["Ada?"], [[Passage.of("test", "x", "Ada", long)]], tiny.tokenizer(), CONFIG)
    assert (cut != 0).all()
    assert cut[-1] == 1


def test_targets_are_answers_with_an_end():
    targets = answer_targets(["Dorf", "Holm Burg Furt Bach Feld Wald"], tiny.tokenizer(), CONFIG)
    assert tiny.tokenizer().decode(targets[0]) == "Dorf"
    assert targets.shape[1] == 4
    assert targets[1, -1] == 1
    np.testing.assert_array_equal((targets == 1).sum(axis=1), 1)


def test_a_question_must_leave_room_for_the_passage():
    with pytest.raises(ValidationError, match="leaves nothing of 12 pieces"):
        FidConfig(t5=CONFIG.t5, passage_length=12, question_length=12)


def test_a_question_without_passages_is_read_alone():
    (rows,) = passage_inputs(["Ada?"], [[]], tiny.tokenizer(), CONFIG)
    whole = tiny.tokenizer().encode("question: Ada?")[:12]
    assert rows[0].tolist() == [*whole, 1, *[0] * (39 - len(whole))]
    assert not rows[1:].any()


def test_the_rank_of_a_passage_can_be_marked():
    plain, marked = (
        passage_inputs(["Ada?"], [[ADA, BELA]], tiny.tokenizer(), CONFIG.model_copy(update={"rank_marks": marks}))[0]
        for marks in (False, True)
    )
    assert [tiny.tokenizer().decode(row[:1]) for row in marked[:2]] == ["<extra_id_99>", "<extra_id_98>"]
    np.testing.assert_array_equal(marked[:2, 1:-1], plain[:2, :-2])
    assert not marked[2].any()
    with pytest.raises(ValidationError, match="101 passages, 100 marks"):
        FidConfig(t5=CONFIG.t5, passages=101, rank_marks=True)
