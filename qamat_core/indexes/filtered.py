"""What may not be retrieved, over an approximate search that knows nothing of it: ask for more, and again if need be."""

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Final, Protocol

import numpy as np
from jaxtyping import Bool, Float, Int

from qamat_core.indexes.device import DeviceIndex, place_keys
from qamat_core.indexes.protocol import Found

_WIDER: Final = 4
"""A retry asks for so many times as many entries."""
_WIDEST: Final = 2048
"""More entries of one query are not asked for: exact search is as fast."""


class Approximate(Protocol):
    """A search for near entries that returns what it likes."""

    def nearest(self, queries: Float[np.ndarray, "N D"], k: int) -> Found:
        """Return about the best K entries of each query, -1 where fewer were found."""
        ...


@dataclass(frozen=True, eq=False)
class Filtered:
    """An index over an approximate search: K entries that may be retrieved, as long as there are so many."""

    near: Approximate
    keys: Float[np.ndarray, "M D"]
    """What ``near`` searches; may be mapped from a file. Searched exactly where too little was found."""
    removed: Int[np.ndarray, " X"] = field(default_factory=lambda: np.zeros(0, np.int64))

    def __len__(self) -> int:
        return len(self.keys)

    def search(self, queries: Float[np.ndarray, "N D"], k: int, banned: Int[np.ndarray, "N R"] | None = None) -> Found:
        """Return about the best K entries of each query, all of them where K is as many as are left."""
        banned = np.full((len(queries), 1), -1) if banned is None else banned
        found = Found(np.full((len(queries), k), -1, np.int32), np.full((len(queries), k), -np.inf, np.float32))
        left = np.arange(len(queries))
        asked = self._first_width(k, banned)
        while len(left) and asked <= min(_WIDEST, len(self) - 1):
            best, enough = self._filter(self.near.nearest(queries[left], asked), k, banned[left])
            for ours, theirs in zip(found, best, strict=True):
                ours[left[enough]] = theirs[enough]
            left, asked = left[~enough], asked * _WIDER
        if len(left):
            for ours, theirs in zip(found, self._exact.search(queries[left], k, banned[left]), strict=True):
                ours[left] = theirs
        return found

    def without(self, rows: Int[np.ndarray, " X"]) -> "Filtered":
        """Return the index as if these rows had never been."""
        return replace(self, removed=np.union1d(self.removed, rows))

    def _first_width(self, k: int, banned: Int[np.ndarray, "N R"]) -> int:
        """Return how many entries hold K allowed ones, if what was removed lies evenly."""
        bans = int((banned >= 0).sum(axis=1).max(initial=0))
        return (k + bans) * len(self) // max(len(self) - len(self.removed), 1) + (len(self.removed) > 0)

    def _filter(self, near: Found, k: int, banned: Int[np.ndarray, "N R"]) -> tuple[Found, Bool[np.ndarray, " N"]]:
        """Return the K best that are allowed, and for which queries there are so many."""
        out = near.rows < 0
        if len(self.removed):
            out |= self._out[near.rows]
        if (banned >= 0).any():
            out |= (near.rows[:, :, None] == banned[:, None]).any(axis=2)
        if not out.any():
            return Found(*(part[:, :k] for part in near)), np.full(len(out), near.rows.shape[1] >= k)
        places = np.argsort(out, axis=1, kind="stable")[:, :k]
        kept = Found(*(np.take_along_axis(part, places, axis=1) for part in near))
        return kept, (~out).sum(axis=1) >= k

    @cached_property
    def _out(self) -> Bool[np.ndarray, " M"]:
        out = np.zeros(len(self), bool)
        out[self.removed] = True
        return out

    @cached_property
    def _exact(self) -> DeviceIndex:
        return place_keys(self.keys).without(self.removed)
