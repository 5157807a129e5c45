"""Exact search in plain NumPy: slow, and what the other backends are measured by."""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float, Int

from qamat_core.indexes.protocol import Found


@dataclass(frozen=True)
class Oracle:
    """All M keys, scored at once in float32 and sorted."""

    keys: Float[np.ndarray, "M D"]
    removed: Int[np.ndarray, " X"] = field(default_factory=lambda: np.zeros(0, np.int64))
    """Rows that nobody retrieves."""

    def __len__(self) -> int:
        return len(self.keys)

    def search(self, queries: Float[np.ndarray, "N D"], k: int, banned: Int[np.ndarray, "N R"] | None = None) -> Found:
        """Return the best K entries of each query."""
        scores = queries.astype(np.float32) @ self.keys.astype(np.float32).T
        scores[:, self.removed] = -np.inf
        for row, out in zip(scores, [] if banned is None else banned, strict=False):
            row[out[out >= 0]] = -np.inf
        scores = np.pad(scores, ((0, 0), (0, max(0, k - len(self.keys)))), constant_values=-np.inf)
        rows = np.argsort(-scores, axis=1, kind="stable")[:, :k]
        best = np.take_along_axis(scores, rows, axis=1)
        return Found(np.where(best > -np.inf, rows, -1).astype(np.int32), best)

    def without(self, rows: Int[np.ndarray, " X"]) -> "Oracle":
        """Return the index as if these rows had never been."""
        return Oracle(self.keys, np.union1d(self.removed, rows))
