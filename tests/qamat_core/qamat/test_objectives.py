"""The losses are the paper's equations; gradients go where section 4.2 lets them, and nowhere else."""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from qamat_core.qamat.objectives import Round, answered_targets, global_loss, in_batch_loss, multihop_loss
from qamat_core.qamat.reader import Entries, Reader
from qamat_core.qamat.retriever import Ranking
from qamat_core.qamat.search import FrozenMemory
from qamat_core.training.checkpoint import Params
from qamat_core.training.step import Batch, Metrics
from schemas.qamat import GlobalConfig, InBatchConfig, MultihopConfig, StageConfig
from schemas.training import TrainingConfig
from tests.qamat_core.qamat import paper, tiny

K = 3
KEY = jax.random.key(0)
TRAINING = TrainingConfig(steps=1, batch_size=2)
MASKED = ["<extra_id_0> lives in <extra_id_1>, does she?", "Cleo lives in <extra_id_0>"]
TARGETS = ["<extra_id_0> Ada <extra_id_1> Dorf", "<extra_id_0> Holm"]
POSITIVES = np.array([[4, 0], [2, -1]], np.int32)
BANNED = np.array([[9, 6], [-1, -1]], np.int32)


def _config(kind: type[StageConfig] = GlobalConfig, weight: float = 0.5, **more: Any) -> Any:
    model = tiny.config(**{name: more.pop(name) for name in ("integration",) if name in more})
    return kind(model=model, training=TRAINING, top_k=K, retrieval_loss_weight=weight, **more)


def _reader(config: StageConfig) -> Reader:
    return Reader(config.model, tiny.tokenizer().sentinel(0))


@cache
def _batch() -> Mapping[str, Any]:
    return {
        "inputs": tiny.inputs(MASKED),
        "targets": tiny.tokenizer().encode_batch(TARGETS, 6, eos=True),
        "positives": POSITIVES,
        "banned_rows": BANNED,
        "memory": tiny.memory(),
    }


def _in_batch() -> dict[str, Any]:
    """A batch whose entry 9 stands there twice."""
    entries, rows = tiny.entries(), [*range(10), 9]
    banned = np.array([0.0] * 10 + [1.0], np.float32)
    tokens = {"key_tokens": entries.key_tokens[rows], "value_tokens": entries.value_tokens[rows], "banned": banned}
    return {name: _batch()[name] for name in ("inputs", "targets", "positives")} | tokens


def _expected(memory: FrozenMemory, banned: list[set[int]]) -> tuple[float, float]:
    """The answer loss and the contrastive loss by the equations."""
    inputs, everyone = _batch()["inputs"], np.arange(len(memory.keys))
    found = [paper.retrieve(x, 2, memory, K, out) for x, out in zip(inputs, banned, strict=True)]
    contexts = [paper.both(x, 2, each, memory) for x, each in zip(inputs, found, strict=True)]
    gone = [np.isin(everyone, sorted(out)) for out in banned]
    scores = [np.where(out, -np.inf, each.scores) for out, each in zip(gone, found, strict=True)]
    return paper.answer_loss(contexts, _batch()["targets"]), paper.contrast(scores, POSITIVES)


def test_global_loss_is_equation_2_over_the_frozen_memory():
    config = _config()
    loss, metrics = jax.jit(global_loss(_reader(config), config))(tiny.params(), _batch(), KEY)
    answer, contrast = _expected(tiny.memory(), [{9, 6}, set()])
    assert float(metrics["answer_loss"]) == pytest.approx(answer, rel=1e-4)
    assert float(metrics["retrieval_loss"]) == pytest.approx(contrast, rel=1e-4)
    assert float(loss) == pytest.approx(answer + 0.5 * contrast, rel=1e-4)


def test_in_batch_loss_is_equation_2_over_the_batchs_own_entries():
    config, batch = _config(InBatchConfig), _in_batch()
    loss, _ = jax.jit(in_batch_loss(_reader(config), config))(tiny.params(), batch, KEY)
    keys, values = (tiny.encode(batch[f"{name}_tokens"])[:, 0] for name in ("key", "value"))
    answer, contrast = _expected(FrozenMemory(keys, values, batch["value_tokens"]), [{10}, {10}])
    assert float(loss) == pytest.approx(answer + 0.5 * contrast, rel=1e-4)


def test_multihop_loss_retrieves_twice_and_supervises_both_rounds():
    inputs, memory = tiny.inputs(["<extra_id_0> Where does Ada live?", "<extra_id_0> Does Bela live?"]), tiny.memory()
    first, last = np.array([[3], [1]], np.int32), np.array([[5], [-1]], np.int32)
    config = _config(MultihopConfig, first_hop_weight=0.25)
    batch = {**_batch(), "inputs": inputs, "first": first, "positives": last, "banned_rows": np.full((2, 1), -1)}
    loss, metrics = jax.jit(multihop_loss(_reader(config), config))(tiny.params(), batch, KEY)
    round_1 = [paper.retrieve(x, 1, memory, K) for x in inputs]
    longer = [paper.extended(x, found, memory.value_tokens) for x, found in zip(inputs, round_1, strict=True)]
    round_2 = [paper.retrieve(x, 1, memory, K) for x in longer]
    contexts = [paper.both(x, 1, found, memory) for x, found in zip(longer, round_2, strict=True)]
    answer = paper.answer_loss(contexts, batch["targets"])
    hops = [
        paper.contrast([found.scores for found in each], rows) for each, rows in ((round_1, first), (round_2, last))
    ]
    assert float(metrics["answer_loss"]) == pytest.approx(answer, rel=1e-4)
    assert float(loss) == pytest.approx(answer + 0.25 * hops[0] + 0.5 * hops[1], rel=1e-4)
    hits = [found.rows[0] == row for found, (row,) in zip(round_1, first, strict=True)]
    assert float(metrics["first_hop_recall_at_1"]) == pytest.approx(np.mean(hits))


@cache
def _latent() -> Callable[..., Any]:
    config = _config(weight=0.0)
    return jax.jit(global_loss(_reader(config), config))


def test_weight_0_is_the_purely_latent_objective():
    loss, metrics = _latent()(tiny.params(), _batch(), KEY)
    assert float(loss) == float(metrics["answer_loss"])
    assert float(metrics["retrieval_loss"]) > 0


def test_banned_entries_are_not_read_even_when_too_few_others_are_left():
    everything = np.tile(np.arange(10, dtype=np.int32), (2, 1))
    but_one = np.where(everything == 7, -1, everything)
    copies = FrozenMemory(*(np.repeat(part[7:8], 10, axis=0) for part in map(np.asarray, tiny.memory())))
    ours, theirs, nothing = (
        float(_latent()(tiny.params(), {**_batch(), "banned_rows": rows, "memory": memory}, KEY)[0])
        for rows, memory in ((but_one, tiny.memory()), (but_one, copies), (everything, tiny.memory()))
    )
    assert ours == pytest.approx(theirs, rel=1e-5)
    assert np.isfinite(nothing)
    assert nothing != pytest.approx(ours, rel=1e-5)


def test_answers_count_where_the_known_entry_is_among_those_read():
    read = np.array([[3, 4], [3, 4], [3, 4], [3, -1]], np.int32)
    visible = np.array([[1, 1], [1, 0], [1, 1], [1, 1]], np.float32)
    nothing = (np.zeros(0),) * 3
    found = Round(read, Entries(*nothing), visible, Ranking(*nothing, nothing[0]))  # pyright: ignore
    targets = np.full((4, 2), 7, np.int32)
    batch = {"positives": np.array([[4], [4], [5], [-1]], np.int32), "targets": targets}
    np.testing.assert_array_equal(answered_targets(found, batch), [[7, 7], [0, 0], [0, 0], [0, 0]])


# gradients: of the answer loss and of the contrastive loss apart


@cache
def _in_batch_gradients(integration: str, latent: bool) -> Callable[[Batch], tuple[Any, Any]]:
    config = _config(InBatchConfig, integration=integration, latent_gradient=latent)
    loss_fn = in_batch_loss(_reader(config), config)

    def gradients(batch: Batch) -> tuple[Any, Any]:
        _, pull = jax.vjp(lambda params: _parts(loss_fn(params, batch, KEY)[1]), tiny.params())
        return pull((1.0, 0.0))[0], pull((0.0, 1.0))[0]

    return jax.jit(gradients)


def _parts(metrics: Metrics) -> tuple[jax.Array, jax.Array]:
    return metrics["answer_loss"], metrics["retrieval_loss"]


def _reaching(integration: str, name: str, *, latent: bool = True) -> list[float]:
    """Answer and contrastive gradient at the embedding of a token that stands nowhere but in ``batch[name]``."""
    alone = tiny.tokenizer().sentinel(50)
    marked = np.array(_in_batch()[name])
    marked[:, 1] = alone
    gradients = _in_batch_gradients(integration, latent)({**_in_batch(), name: marked})
    return [float(jnp.abs(each["token_embedder"]["embedding"][alone]).max()) for each in gradients]


def test_in_batch_gradient_reaches_the_memory_encoder_by_keys_and_by_values():
    by_keys, by_values = _reaching("neural", "key_tokens"), _reaching("neural", "value_tokens")
    assert min(by_keys) > 1e-6
    assert by_values[0] > 1e-6
    assert by_values[1] == 0


def test_without_the_latent_gradient_values_are_still_trained_by_the_answer_and_keys_are_not():
    answer, contrast = _reaching("neural", "key_tokens", latent=False)
    assert answer == 0
    assert contrast > 1e-6
    assert _reaching("neural", "value_tokens", latent=False)[0] > 1e-6


def test_without_the_neural_part_only_the_contrastive_term_trains_keys():
    answer, contrast = _reaching("discrete", "key_tokens")
    assert answer == 0
    assert contrast > 1e-6


def test_in_global_only_the_contrastive_term_reaches_query_and_keys():
    config = _config()
    loss_fn = global_loss(_reader(config), config)

    def parts(params: Params, keys: jax.Array) -> tuple[jax.Array, jax.Array]:
        return _parts(loss_fn(params, {**_batch(), "memory": memory._replace(keys=keys)}, KEY)[1])

    @jax.jit
    def gradients(params: Params, keys: jax.Array) -> tuple[Any, Any, Any]:
        values, pull = jax.vjp(parts, params, keys)
        return values, pull((1.0, 0.0)), pull((0.0, 1.0))

    memory = FrozenMemory(*(jnp.asarray(part) for part in tiny.memory()))
    _, (_, answer_keys), (contrast, contrast_keys) = gradients(tiny.params(), memory.keys)
    assert not np.any(answer_keys)  # all that depends on the keys in equation 2 is p(m|X)
    assert np.any(contrast_keys)
    assert not any(np.any(leaf) for leaf in jax.tree.leaves(contrast["decoder"]))
    assert all(np.any(leaf) for leaf in jax.tree.leaves(contrast["encoder"]["layers_0"]))
    size = sum(float(np.sum(leaf**2)) for leaf in jax.tree.leaves(contrast)) ** 0.5
    ends = [float(gradients(_moved(tiny.params(), contrast, step / size), memory.keys)[0][1]) for step in (1e-2, -1e-2)]
    assert (ends[0] - ends[1]) / 2e-2 == pytest.approx(size, rel=0.02)


def _moved(params: Params, direction: Params, step: float) -> Params:
    return jax.tree.map(lambda value, along: value + step * along, params, direction)
