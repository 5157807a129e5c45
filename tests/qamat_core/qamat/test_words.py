"""The words' batches lose pieces and nothing else; entries with the positive's answer are no negatives of it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from qamat_core.qamat.batches import in_batch
from qamat_core.qamat.packing import PackedExamples, pack_examples
from qamat_core.qamat.reader import Reader
from qamat_core.qamat.words import words_batch, words_loss
from qamat_core.t5.initialize import init_params
from qamat_core.training.loader import Batch
from schemas.model import PAD_ID
from schemas.qamat import InBatchConfig, WordsConfig
from schemas.training import TrainingConfig
from tests.qamat_core.qamat import tiny
from tests.qamat_core.qamat.test_batches import COUNT, EXAMPLES

T5 = tiny.config().t5.model_copy(update={"word_match": True})
MODEL = tiny.config().model_copy(update={"t5": T5})
TRAINING = TrainingConfig(steps=1, batch_size=4)


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> PackedExamples:
    return pack_examples([lambda: EXAMPLES], COUNT, tmp_path_factory.mktemp("packed"), seed=0)


def _batch(packed: PackedExamples, dropped: float, step: int = 0) -> Batch:
    config = WordsConfig(model=MODEL, training=TRAINING, negatives_per_example=2, dropped=dropped)
    return words_batch(packed, tiny.entries(), config, step)


def test_without_losses_a_batch_is_that_of_stage_one_with_one_mask(packed: PackedExamples):
    config = InBatchConfig(model=MODEL, training=TRAINING, negatives_per_example=2, positives_per_example=1)
    staged, batch = in_batch(packed, tiny.entries(), config, 3), _batch(packed, 0.0, 3)
    for name in ("inputs", "key_tokens", "banned"):
        np.testing.assert_array_equal(batch[name], staged[name])
    np.testing.assert_array_equal(batch["positives"], staged["positives"][:, :1])


def test_pieces_are_lost_anew_at_each_step_and_alike_at_the_same(packed: PackedExamples):
    whole = [_batch(packed, 0.0, step)["inputs"] for step in range(40)]
    lost = [_batch(packed, 0.3, step)["inputs"] for step in range(40)]
    for before, after in zip(whole, lost, strict=True):
        assert ((after == before) | (after == PAD_ID)).all()
    share = np.mean(np.array(lost) != np.array(whole))
    assert 0.2 < share < 0.4
    np.testing.assert_array_equal(_batch(packed, 0.3, 5)["inputs"], lost[5])


def test_the_loss_is_that_of_a_softmax_without_equal_answers_and_repetitions():
    reader = Reader(MODEL, tiny.tokenizer().sentinel(0))
    params = init_params(reader.model, 0)
    keys = tiny.entries().key_tokens[[0, 1, 2, 3, 0]].astype(np.int32)
    batch = {
        "inputs": keys[[2, 1, 3]],
        "positives": np.array([[0], [1], [-1]], np.int32),
        "key_tokens": keys,
        "banned": np.array([0, 0, 0, 0, 1], np.float32),
        "answers": np.array([7, 8, 7, 9, 7], np.int32),
    }
    words = params["word_match"]
    weight, embedding = np.asarray(words["weight"]), np.asarray(words["embedding"])

    def vectors(tokens: np.ndarray) -> np.ndarray:
        summed = np.stack([(weight[row[row != 0], None] * embedding[row[row != 0]]).sum(0) for row in tokens])
        return summed / np.linalg.norm(summed, axis=1, keepdims=True) * 1.2 * T5.d_model**0.5

    scores = vectors(batch["inputs"]) @ vectors(keys).T / MODEL.temperature
    wanted = [
        np.log(np.exp(scores[0][[0, 1, 3]]).sum()) - scores[0][0],  # entry 2 has the answer of entry 0
        np.log(np.exp(scores[1][:4]).sum()) - scores[1][1],
    ]
    loss, metrics = words_loss(reader)(params, jax.tree.map(jnp.asarray, batch), jax.random.key(0))
    np.testing.assert_allclose(loss, np.mean(wanted), rtol=1e-4)
    assert metrics["recall_at_1"] == np.mean([np.argmax(scores[0][[0, 1, 3]]) == 0, np.argmax(scores[1][:4]) == 1])


def test_answers_have_equal_numbers_where_they_are_the_same_once_normalised():
    towns = ["Dorf", "the Dorf", "Stad", "dorf!"]
    entries = tiny.MemoryEntries(tiny.pairs(tiny.PEOPLE[:4], towns), tiny.tokenizer(), MODEL)
    numbers = entries.answer_numbers.tolist()
    assert numbers[0] == numbers[1] == numbers[3] != numbers[2]
