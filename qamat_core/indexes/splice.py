"""Where the entries of a new version of a memory come from: runs of rows of an older one, and a tail of new ones."""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Int


class Origin(NamedTuple):
    """Where N entries come from: the older version (row) or the tail (row)."""

    in_tail: Bool[np.ndarray, " N"]
    rows: Int[np.ndarray, " N"]
    """Of the older version, or of the tail."""


@dataclass(frozen=True)
class Splice:
    """The rows 0 to M - 1 of a new version as R runs, in order; each is of rows that follow each other in one source.

    Nothing is copied where nothing changed, so R is of the order of the edits, not of the memory.
    """

    starts: Int[np.ndarray, " R"]
    """The first row of each run in the new version, ascending from 0."""
    sources: Int[np.ndarray, " R"]
    """Where a run begins: a row of the older version, or -1 - row of the tail."""
    rows: int
    """M."""
    older: int
    """Rows of the older version."""

    @classmethod
    def of(cls, source: Int[np.ndarray, " M"], older: int) -> "Splice":
        """Make the runs of a row by row account, in which -1 stands for the next row of the tail."""
        tail = np.asarray(source < 0, np.int64)
        flat = np.where(tail, -np.cumsum(tail), source).astype(np.int64)  # the tail's row t is -1 - t
        step = 1 - 2 * tail[1:]
        follows = (flat[1:] == flat[:-1] + step) & (tail[1:] == tail[:-1])
        starts = np.flatnonzero(np.concatenate([np.ones(min(1, len(flat)), bool), ~follows]))
        return cls(starts, flat[starts], len(flat), older)

    @cached_property
    def lengths(self) -> Int[np.ndarray, " R"]:
        """The rows of each run."""
        return np.diff(self.starts, append=self.rows)

    @property
    def tail(self) -> int:
        """Rows of the tail."""
        return int(self.lengths[self.sources < 0].sum())

    @cached_property
    def gone(self) -> Int[np.ndarray, " X"]:
        """The rows of the older version that the new one lacks, ascending: its tombstones."""
        kept = np.zeros(self.older, bool)
        for source, length in zip(self.sources, self.lengths, strict=True):
            if source >= 0:
                kept[source : source + length] = True
        return np.flatnonzero(~kept)

    def origin(self, rows: Int[np.ndarray, " N"]) -> Origin:
        """Return where rows of the new version come from; row -1 of the older one if the new version has no rows."""
        if not self.rows:
            return Origin(np.zeros(len(rows), bool), np.full(len(rows), -1))
        run = np.searchsorted(self.starts, rows, "right") - 1
        source, offset = self.sources[run], rows - self.starts[run]
        in_tail = source < 0
        return Origin(in_tail, np.where(in_tail, -1 - source, source) + offset)

    def of_older(self, rows: Int[np.ndarray, "..."]) -> Int[np.ndarray, "..."]:
        """Return where rows of the older version stand in the new one; -1 for what it lacks and for -1."""
        return _places(rows, *self._runs_of(self.sources >= 0))

    def of_tail(self, rows: Int[np.ndarray, "..."]) -> Int[np.ndarray, "..."]:
        """Return where rows of the tail stand in the new version; -1 for -1."""
        return _places(rows, *self._runs_of(self.sources < 0))

    def _runs_of(self, chosen: Bool[np.ndarray, " R"]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the runs of one source by their first row there: these rows, the new rows, the lengths."""
        firsts = np.where(self.sources < 0, -1 - self.sources, self.sources)[chosen]
        order = np.argsort(firsts)
        return firsts[order], self.starts[chosen][order], self.lengths[chosen][order]


def _places(rows: np.ndarray, firsts: np.ndarray, starts: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    if not len(firsts):
        return np.full(np.shape(rows), -1, np.int64)
    run = np.maximum(np.searchsorted(firsts, rows, "right") - 1, 0)
    offset = rows - firsts[run]
    return np.where((rows >= 0) & (offset >= 0) & (offset < lengths[run]), starts[run] + offset, -1)
