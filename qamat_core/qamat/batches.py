"""Batches as functions of the step number, so that a resumed run sees what an unbroken one sees."""

from functools import lru_cache

import numpy as np
from jaxtyping import Int

from qamat_core.qamat.entries import MemoryEntries
from qamat_core.qamat.examples import UNKNOWN, QueryExamples
from qamat_core.qamat.search import FrozenMemory
from qamat_core.training.step import Batch


def batch_order(count: int, batch_size: int, seed: int, step: int) -> Int[np.ndarray, " B"]:
    """Return the examples of a step: a new permutation every epoch, batches run across epochs."""
    places = np.arange(step * batch_size, (step + 1) * batch_size)
    epochs, within = np.divmod(places, count)
    return np.asarray([_permutation(count, seed, epoch)[place] for epoch, place in zip(epochs, within, strict=True)])


@lru_cache(maxsize=4)
def _permutation(count: int, seed: int, epoch: int) -> Int[np.ndarray, " E"]:
    return np.random.default_rng([seed, 0, epoch]).permutation(count)


def in_batch(
    examples: QueryExamples, entries: MemoryEntries, batch_size: int, negatives: int, seed: int, step: int
) -> Batch:
    """Return a batch of stage one with its own memory of B x (masks + negatives) entries.

    Each example brings its positives and ``negatives`` hard negatives drawn from its list; where it has fewer, random
    entries of the memory take their place. An entry that stands in the batch already is banned.
    """
    chosen = batch_order(len(examples), batch_size, seed, step)
    rng = np.random.default_rng([seed, 1, step])
    positives = examples.positives[chosen]
    hard = rng.permuted(examples.negatives[chosen], axis=1)
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
        "inputs": examples.inputs[chosen],
        "targets": examples.targets[chosen],
        "positives": np.asarray(places, np.int32),
        "key_tokens": entries.key_tokens[rows],
        "value_tokens": entries.value_tokens[rows],
        "banned": banned,
    }


def global_batch(examples: QueryExamples, memory: FrozenMemory, batch_size: int, seed: int, step: int) -> Batch:
    """Return a batch of stage two, fine-tuning or QAMAT+ over a frozen memory."""
    chosen = batch_order(len(examples), batch_size, seed, step)
    return {
        "inputs": examples.inputs[chosen],
        "targets": examples.targets[chosen],
        "positives": examples.positives[chosen],
        "first": examples.first[chosen],
        "banned_rows": examples.banned[chosen],
        "memory": memory,
    }


def plain_batch(examples: QueryExamples, batch_size: int, seed: int, step: int) -> Batch:
    """Return a batch without a memory, for the closed-book baseline."""
    chosen = batch_order(len(examples), batch_size, seed, step)
    return {"inputs": examples.inputs[chosen], "targets": examples.targets[chosen]}
