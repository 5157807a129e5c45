"""Batches as functions of the step number, so that a resumed run sees what an unbroken one sees."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, Int32

from qamat_core.qamat.entries import MemoryEntries
from qamat_core.qamat.examples import UNKNOWN, QueryExamples
from qamat_core.qamat.packing import PackedExamples
from qamat_core.qamat.search import FrozenMemory
from qamat_core.training.loader import Batch
from schemas.qamat import InBatchConfig, WordsConfig

_NEGATIVES, _OTHERS = 1, 4
"""Streams of random numbers, beside those of ``packing``."""


def in_batch(packed: PackedExamples, entries: MemoryEntries, config: InBatchConfig, step: int) -> Batch:
    """Return a batch of stage one with its own memory of B x (positives + negatives) entries.

    Each example brings its positives and hard negatives drawn from its list; where it has fewer, random entries of the
    memory take their place. An entry that stands in the batch already is banned.
    """
    size, seed = config.training.batch_size, config.training.seed
    examples = packed.batch(size, seed, step)
    memory = batch_memory(examples, _brought(examples.positives, entries, config, step), entries, config, step)
    return {
        "inputs": examples.inputs,
        "targets": examples.targets,
        "positives": memory.positives,
        "key_tokens": entries.key_tokens[memory.rows].astype(np.int32),
        "value_tokens": entries.value_tokens[memory.rows].astype(np.int32),
        "banned": memory.banned,
    }


class BatchMemory(NamedTuple):
    """The memory of a batch."""

    rows: Int32[np.ndarray, " N"]
    """Of the whole memory."""
    banned: Float32[np.ndarray, " N"]
    """1 for an entry that stands in the batch already."""
    positives: Int32[np.ndarray, "B S"]
    """Places in the batch of the examples' known entries."""


def batch_memory(
    examples: QueryExamples,
    brought: Int32[np.ndarray, "B P"],
    entries: MemoryEntries,
    config: InBatchConfig | WordsConfig,
    step: int,
) -> BatchMemory:
    """Return the memory of a batch: what its examples bring, and hard negatives drawn from their lists."""
    size, seed, negatives = config.training.batch_size, config.training.seed, config.negatives_per_example
    rng = np.random.default_rng([seed, _NEGATIVES, step])
    hard = rng.permuted(examples.negatives, axis=1)
    hard = np.take_along_axis(hard, np.argsort(hard < 0, axis=1, kind="stable"), axis=1)[:, :negatives]
    filler = np.full((size, negatives - hard.shape[1]), UNKNOWN)
    rows = np.concatenate([brought.ravel(), hard.ravel(), filler.ravel()]).astype(np.int32)
    rows = np.where(rows < 0, rng.integers(len(entries), size=len(rows)), rows).astype(np.int32)
    _, first = np.unique(rows, return_index=True)
    banned = np.ones(len(rows), np.float32)
    banned[first] = 0
    place_of = {int(rows[place]): int(place) for place in first}
    places = [[place_of.get(row, UNKNOWN) for row in line] for line in examples.positives.tolist()]
    return BatchMemory(rows, banned, np.asarray(places, np.int32))


def _brought(
    known: Int32[np.ndarray, "B S"], entries: MemoryEntries, config: InBatchConfig, step: int
) -> Int32[np.ndarray, "B P"]:
    """Return the entries that examples bring as positives: those of their masks, then others of the passage, drawn."""
    masks, wanted = known.shape[1], config.positives_per_example
    if wanted is None or wanted <= masks:
        return known[:, :wanted]
    rng = np.random.default_rng([config.training.seed, _OTHERS, step])
    brought = np.full((len(known), wanted), UNKNOWN, np.int32)
    brought[:, :masks] = known
    for line in brought:
        others = rng.permutation([row for row in entries.beside(line.max()) if row not in line])[: wanted - masks]
        line[masks : masks + len(others)] = others
    return brought


def global_batch(packed: PackedExamples, memory: FrozenMemory, batch_size: int, seed: int, step: int) -> Batch:
    """Return a batch of stage two, fine-tuning or QAMAT+ over a frozen memory."""
    examples = packed.batch(batch_size, seed, step)
    return {
        "inputs": examples.inputs,
        "targets": examples.targets,
        "positives": examples.positives,
        "first": examples.first,
        "banned_rows": examples.banned,
        "memory": memory,
    }


def plain_batch(packed: PackedExamples, batch_size: int, seed: int, step: int) -> Batch:
    """Return a batch without a memory, for the closed-book baseline."""
    examples = packed.batch(batch_size, seed, step)
    return {"inputs": examples.inputs, "targets": examples.targets}
