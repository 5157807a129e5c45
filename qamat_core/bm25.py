"""BM25 over short texts with an exact, reproducible order: ties of the rounded score go by id.

The index is bm25s' (Lucene's formula, scores per token computed beforehand). Searching is a loop of our own over it,
because bm25s breaks ties by chance of position and its threads must not run inside those of another runner. The loop
releases the interpreter lock, so threads of the caller search side by side.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import bm25s
import numba
import numpy as np
import numpy.typing as npt

from qamat_core.text import word_tokens

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

RESOLUTION: Final = 1e-4
"""Scores that are equal when rounded to this step are ties."""
_DIGITS: Final = 4


@dataclass(frozen=True, slots=True)
class Hit:
    """A text that was found: its row in the index (from 0), its id, its score (rounded)."""

    row: int
    id: str
    score: float


class BM25:
    """An index over texts in memory. Searching it is thread-safe."""

    def __init__(self, ids: Sequence[str], texts: Sequence[str], *, k1: float = 0.9, b: float = 0.4) -> None:
        """Index ``texts``, whose ``ids`` order the ties; the default constants are those of the DPR line of work."""
        self._ids = list(ids)
        self._order = np.empty(len(ids), np.int64)
        self._order[sorted(range(len(ids)), key=self._ids.__getitem__)] = np.arange(len(ids))
        self._vocabulary: dict[str, int] = {}
        documents = [word_tokens(text) for text in texts]
        if any(documents):
            index = bm25s.BM25(k1=k1, b=b, method="lucene")
            index.index(documents, show_progress=False)
            postings: dict[str, Any] = index.scores
            self._vocabulary = index.vocab_dict
            self._weights: Floats = postings["data"]
            self._rows: npt.NDArray[np.int32] = postings["indices"]
            self._starts: Ints = postings["indptr"]

    def __len__(self) -> int:
        return len(self._ids)

    def scores(self, query: str) -> Floats:
        """Return the score of every text, [M], not rounded; a word said twice counts twice."""
        scores = np.zeros(len(self._ids), np.float32)
        words = {word: count for word, count in Counter(word_tokens(query)).items() if word in self._vocabulary}
        if words:
            tokens = np.fromiter((self._vocabulary[word] for word in words), np.int64, len(words))
            counts = np.fromiter(words.values(), np.float32, len(words))
            _add_up(self._weights, self._rows, self._starts, tokens, counts, scores)
        return scores

    def search(self, query: str, k: int) -> list[Hit]:
        """Return the at most ``k`` best texts that share a word with the query, best first."""
        scores = self.scores(query)
        near = np.flatnonzero(scores >= max(_kth_largest(scores, k) - RESOLUTION, RESOLUTION / 2))
        rounded = np.round(scores[near].astype(np.float64), _DIGITS)
        best = np.lexsort((self._order[near], -rounded))[:k]
        return [Hit(int(near[i]), self._ids[near[i]], float(rounded[i])) for i in best]


@numba.njit(nogil=True, cache=True)
def _add_up(
    weights: Floats, rows: npt.NDArray[np.int32], starts: Ints, tokens: Ints, counts: Floats, scores: Floats
) -> None:
    """Add the postings of each token, times its count, to the scores of their rows."""
    for i in range(len(tokens)):
        for j in range(starts[tokens[i]], starts[tokens[i] + 1]):
            scores[rows[j]] += counts[i] * weights[j]


@numba.njit(nogil=True, cache=True)
def _kth_largest(scores: Floats, k: int) -> float:
    """Return the k-th largest score, 0 where fewer than k are above 0."""
    best = np.zeros(k, np.float32)  # ascending
    for score in scores:
        if score > best[0]:
            place = 0
            while place + 1 < k and best[place + 1] < score:
                best[place] = best[place + 1]
                place += 1
            best[place] = score
    return best[0]
