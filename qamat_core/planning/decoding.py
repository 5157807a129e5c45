"""The programs of the generator: extraction, generation and filter, for as many questions as the memory has entries."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax.sharding import Mesh, PartitionSpec

from qamat_core.generation.examples import COMPREHENSION, EXTRACTION, GENERATION, source_length, target_length
from qamat_core.generation.generator import Search, decode_tokens
from qamat_core.planning.flops import count_flops
from qamat_core.planning.shapes import Program, everywhere, params_of, rows_of
from qamat_core.t5.network import T5
from qamat_core.training.partitioning import AXES
from schemas.generation import BatchShape, GeneratorConfig
from schemas.preset_models import Preset


def decoding_programs(preset: Preset, entries: int, mesh: Mesh) -> Iterator[Program]:
    """Yield them in their order, each over so many full batches that the memory can come of them if nothing is lost.

    A passage gives at most ``beam_size`` answers; an answer gives one question, a question one verdict.
    """
    corpus, lengths = preset.corpus, preset.corpus.generator
    answers, questions, verdicts = corpus.answers, corpus.questions, corpus.filter

    def search(task: str, shape: BatchShape, beam_size: int = 1, length_penalty: float = 0.0) -> Search:
        return Search(target_length(task, lengths), beam_size, length_penalty, shape.slots)

    extracting = search(EXTRACTION, answers.shape, answers.beam_size, answers.length_penalty)
    asking = search(GENERATION, questions.shape, questions.beam_size, questions.length_penalty)
    passages = -(-entries // answers.beam_size)
    length = source_length(EXTRACTION, lengths)
    yield _decoding("extraction", lengths, extracting, (answers.shape.rows, length), passages, mesh)
    yield _decoding("generation", lengths, asking, (questions.shape.rows, length), entries, mesh)
    reading, length = search(COMPREHENSION, verdicts.shape), source_length(COMPREHENSION, lengths)
    yield _decoding("filter", lengths, reading, (verdicts.shape.rows, length), entries, mesh)


def _decoding(
    stage: str, config: GeneratorConfig, search: Search, shape: tuple[int, int], prompts: int, mesh: Mesh
) -> Program:
    """Each device has the whole model and decodes batches of its own, of the greatest length."""
    model, (rows, length) = T5(config.model), shape
    each = jax.shard_map(
        partial(decode_tokens, model, search),
        mesh=mesh,
        in_specs=(PartitionSpec(), PartitionSpec(AXES), PartitionSpec()),
        out_specs=PartitionSpec(AXES),
        check_vma=False,  # pyright: ignore[reportCallIssue]
    )
    params = everywhere(params_of(config.model), mesh)
    tokens = rows_of((rows * mesh.size, length), mesh, AXES)
    count = everywhere(jax.ShapeDtypeStruct((), jnp.int32), mesh)

    def operations() -> float:
        """Count every text at its greatest length; slots change the order of the work, not its amount."""

        def decode(params: Any, tokens: Any) -> Any:
            return decode_tokens(model, search._replace(slots=None), params, tokens, rows)

        one = jax.ShapeDtypeStruct(shape, jnp.int32)
        return mesh.size * count_flops(decode, params_of(config.model), one, turns=search.max_length)

    kinds = {"parameters": params, "batch": tokens}
    runs = -(-prompts // (rows * mesh.size))
    return Program(stage, jax.jit(each), (params, tokens, count), runs, kinds, operations)
