"""The dense retriever learns from passages that hold the answer, each passage of a batch counted once."""

import jax
import numpy as np
import pytest

from qamat_core.passages.dual_encoder import Judged, dpr_batch, dpr_loss, judge, passage_tokens
from schemas.datasets import Script
from schemas.errors import TrainingError
from schemas.records import Passage
from tests.qamat_core.qamat import tiny

SCRIPTS: list[Script] = ["orqa"] * 4
PASSAGES = [
    Passage.of("test", name, name, f"{name} lives in {town}.")
    for name, town in zip(tiny.PEOPLE, tiny.TOWNS, strict=True)
]


def test_the_best_that_holds_the_answer_is_right_and_the_best_that_does_not_is_wrong():
    texts = [["Ada.", "In Dorf.", "Dorf!"], ["Dorf"], ["Ada."], []]
    judged = judge(texts, [["Dorf"]] * 4, SCRIPTS)
    assert judged.positives.tolist() == [1, 0, -1, -1]
    assert judged.negatives.tolist() == [0, -1, 0, -1]
    assert judged.learnable().tolist() == [0, 1]
    with pytest.raises(TrainingError, match="none of 2 questions retrieves a passage that holds its answer"):
        Judged(judged.positives[2:], judged.negatives[2:]).learnable()


def test_a_passage_is_a_candidate_once_and_never_against_itself():
    empty = np.zeros((6, 4), np.int32)
    batch = dpr_batch(empty[:3], empty, ["a", "b", "a", "c", "b", "c"])
    assert batch["hidden"].tolist() == [
        [0, 0, 1, 0, 1, 1],
        [0, 0, 1, 0, 1, 1],
        [1, 0, 0, 0, 1, 1],
    ]


def test_the_loss_is_that_of_the_positive_among_all_that_count():
    asked = tiny.inputs([f"<extra_id_0> Where does {name} live?" for name in tiny.PEOPLE[:2]], 14)
    tokens = passage_tokens([PASSAGES[row] for row in (0, 1, 5, 0)], tiny.tokenizer(), 20)
    assert tiny.tokenizer().decode(tokens[0]).startswith("<extra_id_99> Ada Ada lives")
    batch = dpr_batch(asked, tokens, ["0", "1", "5", "0"])
    loss, metrics = jax.jit(dpr_loss(tiny.reader()))(tiny.params(), batch, jax.random.key(0))
    queries = tiny.encode(asked)[:, 0] / tiny.config().temperature
    scores = queries @ tiny.encode(tokens)[:3, 0].T
    wanted = [np.log(np.exp(scores[row]).sum()) - scores[row, row] for row in range(2)]
    assert loss == pytest.approx(np.mean(wanted), rel=1e-4)
    assert metrics["recall_at_1"] == np.mean(scores.argmax(axis=1) == [0, 1])
