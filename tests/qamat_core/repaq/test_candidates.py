"""What is retrieved for training questions is judged by its answers; questions that nothing answers are left out."""

from pathlib import Path

import numpy as np
import pytest

from qamat_core.indexes.protocol import Found
from qamat_core.repaq.candidates import Answers, Candidates, candidate_batch
from schemas.errors import TrainingError

ANSWERS = Answers(["a", "b", "c"], {"a": ["Dorf"], "b": ["the Stad", "Town"], "c": ["Holm"]})
ROWS = np.array([[0, 1], [2, 0], [1, -1], [2, 1]])
FOUND = Found(ROWS, np.where(ROWS < 0, -np.inf, 10.0 - ROWS))
GOLD = [["stad"], ["Burg"], ["town", "x"], ["Holm"]]


def test_answers_and_aliases_are_compared_in_their_normal_form():
    judged = Candidates.judged(FOUND, GOLD, ANSWERS)
    assert judged.states.tolist() == [[0, 1], [0, 0], [1, -1], [1, 0]]
    assert judged.learnable().tolist() == [0, 2, 3]
    assert judged.scores[2].tolist() == [9, 0]


def test_every_epoch_has_each_learnable_question_once():
    judged, inputs = Candidates.judged(FOUND, GOLD, ANSWERS), np.arange(4, dtype=np.int32)[:, None]
    tokens = np.array([[10], [11], [12]], np.uint16)
    batches = [candidate_batch(inputs, tokens, judged, 3, 0, step) for step in range(2)]
    for batch in batches:
        assert sorted(batch["inputs"].ravel().tolist()) == [0, 2, 3]
        for question, entries, states in zip(batch["inputs"][:, 0], batch["entries"], batch["states"], strict=True):
            assert states.tolist() == judged.states[question].tolist()
            assert entries[0, 0] == 10 + ROWS[question, 0]


def test_they_are_kept_in_a_file(tmp_path: Path):
    judged = Candidates.judged(FOUND, GOLD, ANSWERS)
    judged.save(tmp_path / "c.npz")
    for part, again in zip(judged, Candidates.load(tmp_path / "c.npz"), strict=True):
        np.testing.assert_array_equal(part, again)


def test_questions_that_nothing_answers_are_said():
    with pytest.raises(TrainingError, match="none of 1 questions retrieves an entry with its answer among 2"):
        Candidates.judged(Found(*(part[:1] for part in FOUND)), [["Burg"]], ANSWERS).learnable()
