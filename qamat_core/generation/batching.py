"""Fixed batches: cut by record order and length bucket, so that results depend on neither workers nor timing."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Int32

from schemas.generation import BatchShape


class Batch(NamedTuple):
    """One model call."""

    places: list[int]
    """Of the first rows, in the sequence that was cut; the other rows repeat the first one."""
    tokens: Int32[np.ndarray, "B L"]


def cut_batches(sequences: Sequence[Sequence[int]], shape: BatchShape, longest: int) -> Iterator[Batch]:
    """Put every sequence into the smallest bucket that holds it and yield full batches, bucket by bucket.

    Args:
        sequences: token ids without padding, each at most ``longest`` long.
        shape: rows of a batch and the lengths of the shorter buckets; those above ``longest`` are left out.
        longest: the length of the last bucket.
    """
    lengths = [*sorted(bucket for bucket in shape.buckets if bucket < longest), longest]
    held = np.searchsorted(lengths, [len(sequence) for sequence in sequences])
    for number, length in enumerate(lengths):
        places = [int(place) for place in np.flatnonzero(held == number)]
        for start in range(0, len(places), shape.rows):
            chosen = places[start : start + shape.rows]
            yield Batch(chosen, _pad([sequences[place] for place in chosen], shape.rows, length))


def _pad(sequences: Sequence[Sequence[int]], rows: int, length: int) -> Int32[np.ndarray, "B L"]:
    tokens = np.zeros((rows, length), np.int32)
    for row, sequence in zip(tokens, sequences, strict=False):
        row[: len(sequence)] = sequence
    tokens[len(sequences) :] = tokens[0]
    return tokens
