"""The index of a memory that was edited: an older index with tombstones, and a tail that is searched exactly."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from qamat_core.indexes.protocol import Found, Index
from qamat_core.indexes.splice import Splice


@dataclass(frozen=True)
class UpdatedIndex:
    """Searches both and merges; rows are those of the new version."""

    older: Index
    """Of the older version, all its rows."""
    tail: Index
    splice: Splice

    def __len__(self) -> int:
        return self.splice.rows

    @cached_property
    def _alive(self) -> Index:
        gone = self.splice.gone
        return self.older.without(gone) if len(gone) else self.older

    def search(self, queries: Float[np.ndarray, "N D"], k: int, banned: Int[np.ndarray, "N R"] | None = None) -> Found:
        """Return the best K entries of each query."""
        barred = np.full((len(queries), 1), -1) if banned is None else banned
        in_tail, rows = (part.reshape(barred.shape) for part in self.splice.origin(np.maximum(barred, 0).ravel()))
        known = barred >= 0
        old = self._alive.search(queries, k, np.where(known & ~in_tail, rows, -1))
        new = self.tail.search(queries, k, np.where(known & in_tail, rows, -1))
        rows = np.concatenate([self.splice.of_older(old.rows), self.splice.of_tail(new.rows)], axis=1)
        scores = np.concatenate([old.scores, new.scores], axis=1)
        best = np.lexsort((rows, -scores), axis=1)[:, :k]  # equal scores in the order of the rows
        found = np.take_along_axis(rows, best, axis=1), np.take_along_axis(scores, best, axis=1)
        return Found(found[0].astype(np.int32), found[1])

    def without(self, rows: Int[np.ndarray, " X"]) -> "UpdatedIndex":
        """Return the index as if these rows had never been."""
        origin = self.splice.origin(rows)
        older, tail = origin.rows[~origin.in_tail], origin.rows[origin.in_tail]
        return UpdatedIndex(
            self.older.without(older) if len(older) else self.older,
            self.tail.without(tail) if len(tail) else self.tail,
            self.splice,
        )


@dataclass(frozen=True)
class Spliced:
    """An array of the new version's rows, taken from the older version's array and the tail's when it is indexed."""

    older: np.ndarray
    tail: np.ndarray
    splice: Splice

    @property
    def shape(self) -> tuple[int, int]:
        """M and the wider of both widths: the narrower one is padded with zeros."""
        return self.splice.rows, max(self.older.shape[1], self.tail.shape[1])

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of both."""
        return self.older.dtype

    def __len__(self) -> int:
        return self.splice.rows

    def __getitem__(self, rows: slice | Int[np.ndarray, "..."]) -> np.ndarray:
        """Return a copy of some rows."""
        wanted = np.arange(len(self))[rows] if isinstance(rows, slice) else np.asarray(rows)
        in_tail, places = self.splice.origin(wanted.ravel())
        found = np.zeros((len(places), self.shape[1]), self.dtype)
        for source, here in ((self.older, ~in_tail), (self.tail, in_tail)):
            found[here, : source.shape[1]] = source[places[here]]
        return found.reshape(*wanted.shape, self.shape[1])
