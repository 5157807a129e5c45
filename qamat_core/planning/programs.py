"""The programs of a preset's stages, with arguments that have shapes and places but no contents."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import jax
import jax.numpy as jnp
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from qamat_core.qamat.index import compile_encoder
from qamat_core.qamat.objectives import global_loss, in_batch_loss, multihop_loss
from qamat_core.qamat.reader import Reader
from qamat_core.qamat.search import FrozenMemory, memory_shape
from qamat_core.t5.decoding import greedy
from qamat_core.t5.network import T5
from qamat_core.training.optimizer import build_optimizer
from qamat_core.training.partitioning import AXES, DATA, check_divisible, state_shardings
from qamat_core.training.step import LossFn, compile_step
from schemas.model import T5Config
from schemas.preset_models import Preset
from schemas.qamat import QamatConfig, StageConfig

_MASK: Final = 32099
"""<extra_id_0> of T5's own vocabulary; any id would do."""


@dataclass(frozen=True)
class Program:
    """One stage: what is compiled, and how often it runs."""

    stage: str
    function: Any
    """Jitted."""
    arguments: tuple[Any, ...]
    runs: int
    """Steps of a training stage; batches of encoding and generating."""
    kinds: Mapping[str, Any]
    """Its arguments by what they are: parameters, optimizer, memory keys, memory values, value tokens, batch."""
    turns: int = 1
    """How often a loop without a fixed end runs: the tokens of a text that is written."""


def programs(preset: Preset, entries: int, mesh: Mesh) -> Iterator[Program]:
    """Yield the programs of all stages over a memory of so many entries.

    Raises:
        ConfigError: the mesh divides a parameter or a batch unevenly.
    """
    training = preset.training
    spans = preset.corpus.negatives.spans_per_passage
    yield _in_batch(preset, spans, mesh)
    yield _encode(preset, entries, mesh)
    yield _over_memory("global", training.global_, global_loss, spans, entries, preset, mesh)
    yield _over_memory("fine-tune", training.finetune, global_loss, 1, entries, preset, mesh)
    yield _over_memory("multi-hop", training.multihop, multihop_loss, 1, entries, preset, mesh)
    yield _generate(preset, mesh)


def _in_batch(preset: Preset, spans: int, mesh: Mesh) -> Program:
    config = preset.training.inbatch
    size, model = config.training.batch_size, config.model
    memory = size * ((config.positives_per_example or spans) + config.negatives_per_example)
    batch = {
        **_examples(model.passage_length, size, spans, model),
        "key_tokens": (memory, model.key_length),
        "value_tokens": (memory, model.value_length),
        "banned": (memory,),
    }
    return _training("in-batch", config, in_batch_loss(_reader(model), config), batch, None, mesh)


def _over_memory(
    stage: str, config: Any, loss: Callable[..., LossFn], spans: int, entries: int, preset: Preset, mesh: Mesh
) -> Program:
    model, size = config.model, config.training.batch_size
    length = model.passage_length if stage == "global" else model.question_length
    batch = {**_examples(length, size, spans, model), "banned_rows": (size, 1), "first": (size, 1)}
    memory = _memory(entries, model, preset.training.index.dtype, mesh)
    return _training(stage, config, loss(_reader(model), config), batch, memory, mesh)


def _examples(length: int, size: int, spans: int, model: QamatConfig) -> dict[str, tuple[int, ...]]:
    return {"inputs": (size, length), "targets": (size, model.target_length), "positives": (size, spans)}


def _training(
    stage: str,
    config: StageConfig,
    loss: LossFn,
    batch: Mapping[str, tuple[int, ...]],
    memory: FrozenMemory | None,
    mesh: Mesh,
) -> Program:
    training = config.training
    optimizer = build_optimizer(training.optimizer, training.steps, training.frozen)
    params = _params(config.model.t5, mesh)
    beside = jax.eval_shape(optimizer.init, params)
    state = {"params": params, "optimizer": _placed(beside, state_shardings(beside, params, mesh))}
    arrays: dict[str, Any] = {name: _rows(shape, mesh, name == "banned") for name, shape in batch.items()}
    kinds = {"parameters": params, "optimizer": state["optimizer"], "batch": dict(arrays)}
    if memory is not None:
        arrays["memory"] = memory
        kinds |= {"memory keys": memory.keys, "memory values": memory.values, "value tokens": memory.value_tokens}
    step = compile_step(optimizer, loss, training.accumulate)
    return Program(stage, step, (state, arrays, _key(mesh)), training.steps, kinds)


def _encode(preset: Preset, entries: int, mesh: Mesh) -> Program:
    """Keys and values: twice the batches of the memory, of the longer of both lengths."""
    model = preset.training.inbatch.model
    encoder = compile_encoder(T5(model.t5), preset.training.index, mesh)
    params = jax.tree.map(lambda leaf: _array(leaf.shape, leaf.dtype, encoder.everywhere), _params(model.t5, mesh))
    tokens = _array((encoder.batch_size, max(model.key_length, model.value_length)), jnp.int32, encoder.rows)
    runs = 2 * -(-entries // encoder.batch_size)
    return Program("encode memory", encoder.encode, (params, tokens), runs, {"parameters": params, "batch": tokens})


def _generate(preset: Preset, mesh: Mesh) -> Program:
    """Questions, one for each answer candidate; each device decodes batches of its own."""
    config, shape = preset.corpus.generator, preset.corpus.questions.shape
    params = _params(config.model, mesh)
    rows = shape.rows * mesh.shape[DATA]
    tokens = _rows((rows, config.lengths.passage), mesh)

    def decode(params: Any, tokens: Any) -> Any:
        model = T5(config.model)
        encoded: Any = model.apply({"params": params}, tokens, method="encode")
        return greedy(model, params, encoded, tokens, config.lengths.question)

    kinds = {"parameters": params, "batch": tokens}
    return Program("generate questions", jax.jit(decode), (params, tokens), 1, kinds, config.lengths.question)


def _reader(model: QamatConfig) -> Reader:
    return Reader(model, min(_MASK, model.t5.vocab_size - 1))


def _params(t5: T5Config, mesh: Mesh) -> Any:
    tokens = jax.ShapeDtypeStruct((1, 2), jnp.int32)
    params: Any = jax.eval_shape(lambda *given: T5(t5).init(jax.random.key(0), *given), tokens, tokens)["params"]
    check_divisible(params, t5.num_heads, mesh)
    return _placed(params, state_shardings(params, params, mesh))


def _memory(entries: int, model: QamatConfig, dtype: str, mesh: Mesh) -> FrozenMemory:
    rows = memory_shape(entries, mesh.size)
    divided = NamedSharding(mesh, PartitionSpec(AXES))
    vectors: Any = jax.ShapeDtypeStruct((rows, model.t5.d_model), jnp.dtype(dtype), sharding=divided)
    tokens: Any = jax.ShapeDtypeStruct((rows, model.value_length), jnp.uint16, sharding=divided)
    return FrozenMemory(vectors, vectors, tokens)


def _rows(shape: tuple[int, ...], mesh: Mesh, floats: bool = False) -> Any:
    return _array(shape, jnp.float32 if floats else jnp.int32, NamedSharding(mesh, PartitionSpec(DATA)))


def _array(shape: tuple[int, ...], dtype: Any, sharding: NamedSharding) -> Any:
    return jax.ShapeDtypeStruct(shape, dtype, sharding=sharding)


def _key(mesh: Mesh) -> Any:
    key = jax.eval_shape(lambda: jax.random.key(0))
    return jax.ShapeDtypeStruct(key.shape, key.dtype, sharding=NamedSharding(mesh, PartitionSpec()))


def _placed(tree: Any, shardings: Any) -> Any:
    return jax.tree.map(
        lambda leaf, sharding: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=sharding), tree, shardings
    )
