"""FiD is a T5 whose decoder attends to passages that were encoded alone."""

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from qamat_core.fid.reader import FidReader, fid_loss
from qamat_core.t5.conversion import from_transformers
from qamat_core.t5.decoding import call
from qamat_core.t5.network import shift_right
from qamat_core.training.step import token_loss
from schemas.fid import FidConfig
from schemas.model import T5Config
from tests.qamat_core.qamat import tiny

RECORDED = Path(__file__).parents[1] / "t5" / "reference" / "t5_1_0.npz"
TARGET = np.array([[0, 5, 9, 4], [0, 7, 3, 0]], np.int32)


def reader(group: int, t5: T5Config | None = None, target: int = 4) -> FidReader:
    shape = {"passages": 3, "passage_length": 8, "question_length": 2, "target_length": target}
    return FidReader(FidConfig(t5=t5 or tiny.config().t5, **shape), group)


BY_TWO = reader(2)


def passages() -> np.ndarray:
    """Two questions with three passages of eight pieces; one is short, one is none."""
    tokens = np.random.default_rng(2).integers(2, 90, (2, 3, 8)).astype(np.int32)
    tokens[0, 1, 5:] = 0
    tokens[1, 2] = 0
    return tokens


def logits(tokens: np.ndarray, target: np.ndarray = TARGET, own: FidReader = BY_TWO) -> np.ndarray:
    context = _read(own, tiny.params(), tokens)
    return np.asarray(_decode(tiny.params(), context.encoded, context.tokens, target))


_read = jax.jit(FidReader.read, static_argnums=0)


@jax.jit
def _decode(params: Any, encoded: jax.Array, tokens: jax.Array, target: jax.Array) -> Any:
    return call(BY_TWO.model, params, "decode", encoded, tokens, target)


def assert_close(ours: np.ndarray, theirs: np.ndarray) -> None:
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)


def test_with_one_passage_it_is_the_t5_of_transformers():
    with np.load(RECORDED) as file:
        theirs = dict(file)
    config = T5Config.model_validate_json(str(theirs["config"]))
    state = {name.removeprefix("weights/"): array for name, array in theirs.items() if name.startswith("weights/")}
    own = reader(2, config, theirs["greedy"].shape[1])
    decoded, _ = own.answer(from_transformers(state, config), theirs["source"][:, None], len(theirs["source"]))
    np.testing.assert_array_equal(decoded, theirs["greedy"])


def test_the_decoder_attends_to_passages_that_were_encoded_alone():
    alone = [[tiny.encode(row[None])[0] for row in rows] for rows in passages()]
    side_by_side = np.asarray(alone, np.float32).reshape(2, 24, -1)
    assert_close(logits(passages()), _decode(tiny.params(), side_by_side, passages().reshape(2, 24), TARGET))


def test_neither_the_order_of_passages_nor_padding_nor_the_group_matters():
    ours = logits(passages())
    assert_close(logits(passages()[:, ::-1]), ours)
    assert_close(logits(np.pad(passages(), ((0, 0), (0, 1), (0, 4)))), ours)
    assert_close(logits(passages(), own=reader(99)), ours)


def test_answers_do_not_depend_on_the_batch():
    together, one_by_one = (BY_TWO.answer(tiny.params(), passages(), size) for size in (3, 1))
    np.testing.assert_array_equal(together[0], one_by_one[0])
    np.testing.assert_allclose(together[1], one_by_one[1], rtol=1e-4)


def test_the_loss_is_the_cross_entropy_of_the_answer_and_teaches_encoder_and_decoder():
    targets = np.array([[5, 9, 4, 1], [7, 1, 0, 0]], np.int32)
    batch = {"inputs": jnp.asarray(passages()), "targets": jnp.asarray(targets)}
    learn = jax.jit(jax.value_and_grad(fid_loss(BY_TWO, 0.0), has_aux=True))
    (loss, _), gradient = learn(tiny.params(), batch, jax.random.key(0))
    scores = logits(passages(), np.asarray(shift_right(jnp.asarray(targets)))).astype(np.float64)
    logprobs = scores - np.log(np.exp(scores).sum(axis=-1, keepdims=True))
    assert_close(loss, -np.take_along_axis(logprobs, targets[..., None], axis=-1)[..., 0][targets != 0].mean())

    def moved(step: float) -> float:
        along = jax.tree.map(lambda weight, slope: weight + step * slope, tiny.params(), gradient)
        return float(learn(along, batch, jax.random.key(0))[0][0])

    slope = sum(float((np.asarray(leaf, np.float64) ** 2).sum()) for leaf in jax.tree.leaves(gradient))
    step = 1e-2 / slope
    np.testing.assert_allclose((moved(step) - moved(-step)) / (2 * step), slope, rtol=0.02)
    for stack in ("encoder", "decoder"):
        assert all(np.abs(leaf).max() > 0 for leaf in jax.tree.leaves(gradient[stack]))


def test_with_one_passage_the_loss_is_that_of_the_plain_t5():
    tokens, own, targets = passages()[:, :1], reader(1), TARGET[:, 1:]
    batch = {"inputs": tokens, "targets": targets}

    @jax.jit
    def both(params: Any) -> tuple[jax.Array, jax.Array]:
        plain: Any = own.model.apply({"params": params}, tokens[:, 0], shift_right(jnp.asarray(targets)))
        return fid_loss(own, 1e-4)(params, batch, jax.random.key(0))[0], token_loss(plain, jnp.asarray(targets), 1e-4)

    ours, plain = both(tiny.params())
    np.testing.assert_allclose(ours, plain, rtol=1e-5)
