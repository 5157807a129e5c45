"""The programs of a preset's stages, with arguments that have shapes and places but no contents."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, Final

import jax
import jax.numpy as jnp
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from qamat_core.planning.decoding import decoding_programs
from qamat_core.planning.flops import count_flops
from qamat_core.planning.shapes import Program, everywhere, params_of, placed, placed_params, rows_of
from qamat_core.qamat.index import compile_encoder, encoder_part
from qamat_core.qamat.objectives import global_loss, in_batch_loss, multihop_loss
from qamat_core.qamat.reader import Reader
from qamat_core.qamat.search import FrozenMemory, memory_shape
from qamat_core.t5.network import T5
from qamat_core.training.optimizer import build_optimizer
from qamat_core.training.partitioning import AXES, DATA, check_divisible, state_shardings
from qamat_core.training.step import LossFn, compile_step
from schemas.errors import ConfigError
from schemas.preset_models import Preset
from schemas.qamat import QamatConfig, StageConfig

_MASK: Final = 32099
"""<extra_id_0> of T5's own vocabulary; any id would do."""

STAGES: Final = (
    "in-batch",
    "encoding",
    "global",
    "fine-tune",
    "multi-hop",
    "extraction",
    "generation",
    "filter",
)
"""What is planned, in this order."""


def batches_of(preset: Preset) -> dict[str, int]:
    """Return the rows that each stage spreads over the data axis at a time."""
    training = preset.training
    trained: dict[str, StageConfig] = {
        "in-batch": training.inbatch,
        "global": training.global_,
        "fine-tune": training.finetune,
        "multi-hop": training.multihop,
    }
    rows = {stage: one.training.batch_size // one.training.accumulate for stage, one in trained.items()}
    return rows | {"encoding": training.index.batch_size}


def check_mesh(preset: Preset, mesh: Mesh) -> None:
    """Refuse a mesh on which a stage cannot run, before anything is compiled.

    Raises:
        ConfigError: it divides a parameter or a batch unevenly.
    """
    for stage, rows in batches_of(preset).items():
        if rows % mesh.shape[DATA]:
            raise ConfigError(
                f"{stage}: the mesh's data axis of {mesh.shape[DATA]} does not divide the {rows} rows that it reads at "
                "a time: choose a divisor"
            )
    t5 = preset.training.inbatch.model.t5
    check_divisible(params_of(t5), t5.num_heads, mesh)


def programs(preset: Preset, entries: int, mesh: Mesh) -> Iterator[Program]:
    """Yield the programs of ``STAGES`` over a memory of so many entries; the mesh is one that ``check_mesh`` passes."""
    training = preset.training
    spans = preset.corpus.negatives.spans_per_passage
    yield _in_batch(preset, spans, mesh)
    yield _encode(preset, entries, mesh)
    yield _over_memory("global", training.global_, global_loss, spans, entries, preset, mesh)
    yield _over_memory("fine-tune", training.finetune, global_loss, 1, entries, preset, mesh)
    yield _over_memory("multi-hop", training.multihop, multihop_loss, 1, entries, preset, mesh)
    yield from decoding_programs(preset, entries, mesh)


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
    params = placed_params(config.model.t5, mesh)
    beside = jax.eval_shape(optimizer.init, params)
    state = {"params": params, "optimizer": placed(beside, state_shardings(beside, params, mesh))}
    arrays: dict[str, Any] = {name: rows_of(shape, mesh, floats=name == "banned") for name, shape in batch.items()}
    kinds = {"parameters": params, "optimizer": state["optimizer"], "batch": dict(arrays)}
    if memory is not None:
        arrays["memory"] = memory
        kinds |= {"memory keys": memory.keys, "memory values": memory.values, "value tokens": memory.value_tokens}
    step = compile_step(optimizer, loss, training.accumulate)
    arguments = state, arrays, everywhere(jax.eval_shape(lambda: jax.random.key(0)), mesh)
    return Program(stage, step, arguments, training.steps, kinds, partial(count_flops, step, *arguments))


def _encode(preset: Preset, entries: int, mesh: Mesh) -> Program:
    """Keys and values: twice the batches of the memory, of the longer of both lengths."""
    model = preset.training.inbatch.model
    encoder = compile_encoder(T5(model.t5), preset.training.index, mesh)
    params = everywhere(encoder_part(params_of(model.t5)), mesh)
    tokens = rows_of((encoder.batch_size, max(model.key_length, model.value_length)), mesh, AXES)
    kinds = {"parameters": params, "batch": tokens}
    operations = partial(count_flops, encoder.encode, params, tokens)
    runs = 2 * -(-entries // encoder.batch_size)
    return Program("encoding", encoder.encode, (params, tokens), runs, kinds, operations)


def _reader(model: QamatConfig) -> Reader:
    return Reader(model, min(_MASK, model.t5.vocab_size - 1))


def _memory(entries: int, model: QamatConfig, dtype: str, mesh: Mesh) -> FrozenMemory:
    rows = memory_shape(entries, mesh.size)
    divided = NamedSharding(mesh, PartitionSpec(AXES))
    vectors: Any = jax.ShapeDtypeStruct((rows, model.t5.d_model), jnp.dtype(dtype), sharding=divided)
    tokens: Any = jax.ShapeDtypeStruct((rows, model.value_length), jnp.uint16, sharding=divided)
    return FrozenMemory(vectors, vectors, tokens)
