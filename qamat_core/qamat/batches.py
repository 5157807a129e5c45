"""Batches as functions of the step number, so that a resumed run sees what an unbroken one sees."""

import numpy as np

from qamat_core.qamat.entries import MemoryEntries
from qamat_core.qamat.examples import UNKNOWN
from qamat_core.qamat.packing import PackedExamples
from qamat_core.qamat.search import FrozenMemory
from qamat_core.training.loader import Batch


def in_batch(
    packed: PackedExamples, entries: MemoryEntries, batch_size: int, negatives: int, seed: int, step: int
) -> Batch:
    """Return a batch of stage one with its own memory of B x (masks + negatives) entries.

    Each example brings its positives and ``negatives`` hard negatives drawn from its list; where it has fewer, random
    entries of the memory take their place. An entry that stands in the batch already is banned.
    """
    examples = packed.batch(batch_size, seed, step)
    rng = np.random.default_rng([seed, 1, step])
    positives = examples.positives
    hard = rng.permuted(examples.negatives, axis=1)
    hard = np.take_along_axis(hard, np.argsort(hard < 0, axis=1, kind="stable"), axis=1)[:, :negatives]
    filler = np.full((batch_size, negatives - hard.shape[1]), UNKNOWN)
    rows = np.concatenate([positives.ravel(), hard.ravel(), filler.ravel()]).astype(np.int32)
    rows = np.where(rows < 0, rng.integers(len(entries), size=len(rows)), rows)
    _, first = np.unique(rows, return_index=True)
    banned = np.ones(len(rows), np.float32)
    banned[first] = 0
    place_of = {int(rows[place]): int(place) for place in first}
    places = [[place_of[row] if row >= 0 else UNKNOWN for row in line] for line in positives.tolist()]
    return {
        "inputs": examples.inputs,
        "targets": examples.targets,
        "positives": np.asarray(places, np.int32),
        "key_tokens": entries.key_tokens[rows].astype(np.int32),
        "value_tokens": entries.value_tokens[rows].astype(np.int32),
        "banned": banned,
    }


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
