"""What every index of a memory does: find the K keys with the greatest inner product (paper section 3.2)."""

from typing import NamedTuple, Protocol

import numpy as np
from jaxtyping import Float, Int


class Found(NamedTuple):
    """What a search found for N queries, best first; equal scores in the order of the rows where search is exact."""

    rows: Int[np.ndarray, "N K"]
    """Rows of the memory, int32; -1 where no more entries may be retrieved."""
    scores: Float[np.ndarray, "N K"]
    """Inner products, float32; -inf where no more entries may be retrieved."""


class Index(Protocol):
    """The keys of M entries, searchable. Implementations do not change once they are made."""

    def __len__(self) -> int:
        """Return M, the removed entries included."""
        ...

    def search(self, queries: Float[np.ndarray, "N D"], k: int, banned: Int[np.ndarray, "N R"] | None = None) -> Found:
        """Return the best K entries of each query.

        Args:
            queries: float32.
            k: at least 1; may exceed M.
            banned: rows that a query must not retrieve and that take none of its K places; -1 bans nothing.
        """
        ...

    def without(self, rows: Int[np.ndarray, " X"]) -> "Index":
        """Return the index as if these rows had never been; the others keep their numbers."""
        ...
