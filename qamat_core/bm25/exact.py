"""The default engine: bm25s' scores in an exact, reproducible order, ties of the rounded score by id.

The index and the search are our own: bm25s keeps all tokens in Python lists while it indexes, adds up every posting of
a query, breaks ties by chance of position, and its threads must not run inside those of another runner. Searching
releases the interpreter lock, so threads of the caller search side by side.
"""

import threading
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt

from qamat_core.bm25.building import build_index
from qamat_core.bm25.postings import BLOCK_ROWS, load
from qamat_core.bm25.protocol import DIGITS, Hit
from qamat_core.bm25.pruning import Floats, all_scores, best_rows
from qamat_core.text import word_tokens


class BM25:
    """An index over texts, its arrays mapped from files. Searching it is thread-safe."""

    def __init__(
        self, ids: Sequence[str], texts: Sequence[str], *, k1: float = 0.9, b: float = 0.4, block_rows: int = BLOCK_ROWS
    ) -> None:
        """Index ``texts``, whose ``ids`` order the ties, in files without a name.

        The default constants are those of the DPR line of work.
        """
        with TemporaryDirectory(prefix="qamat-bm25-") as folder:
            build_index(ids, texts, Path(folder) / "index", k1=k1, b=b, block_rows=block_rows)
            self._load(Path(folder) / "index")

    @classmethod
    def open(cls, directory: Path) -> "BM25":
        """Open what ``build_index`` made."""
        index = cls.__new__(cls)
        index._load(directory)
        return index

    def _load(self, directory: Path) -> None:
        self._index = load(directory)
        self._ranks = np.asarray(np.load(directory / "ranks.npy", mmap_mode="r"))
        words = (directory / "vocabulary.txt").read_text(encoding="utf-8").split("\n")
        self._vocabulary = {word: number for number, word in enumerate(words) if word}
        self._scratch = threading.local()

    def __len__(self) -> int:
        return len(self._ranks)

    def scores(self, query: str) -> Floats:
        """Return the score of every text, [M], not rounded; a word said twice counts twice."""
        scores = np.zeros(len(self), np.float64)
        all_scores(tuple(self._index), *self._terms(query), scores)
        return scores

    def search(self, query: str, k: int) -> list[Hit]:
        """Return the at most ``k`` best texts whose rounded score is above 0, best first."""
        terms, counts = self._terms(query)
        heap = np.empty((min(k, len(self)), 3), np.int64)
        if not len(heap) or not len(terms):
            return []
        found = best_rows(tuple(self._index), self._ranks, terms, counts, heap, *self._buffers())
        best = heap[np.lexsort((-heap[:found, 1], -heap[:found, 0]))]
        return [Hit(row, key / 10**DIGITS) for key, _, row in best.tolist()]

    def batch_search(self, queries: Sequence[str], k: int) -> list[list[Hit]]:
        """Search every query."""
        return [self.search(query, k) for query in queries]

    def _terms(self, query: str) -> tuple[npt.NDArray[np.int32], Floats]:
        """Return the numbers of the query's known words, ascending, and how often each is said."""
        number = self._vocabulary.get
        known = sorted(
            (n, count) for word, count in Counter(word_tokens(query)).items() if (n := number(word)) is not None
        )
        return np.array([n for n, _ in known], np.int32), np.array([count for _, count in known], np.float64)

    def _buffers(self) -> tuple[npt.NDArray[np.float32], Floats]:
        """Return this thread's scratch: sums of a block, weights of a query."""
        if not hasattr(self._scratch, "buffers"):
            rows = int(np.diff(self._index.row_starts).max(initial=0))
            terms = int(np.diff(self._index.term_starts).max(initial=0))
            self._scratch.buffers = np.empty(rows, np.float32), np.zeros(terms, np.float64)
        return self._scratch.buffers
