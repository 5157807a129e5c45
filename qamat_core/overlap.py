"""How much of a question two entries' questions cover together: BM25, with a word that both share counted once."""

import math
from collections import Counter
from collections.abc import Sequence
from typing import Final

from qamat_core.bm25 import BM25, Floats, Hit
from qamat_core.text import word_tokens

DIGITS: Final = 4
"""Overlaps that are equal when rounded to so many digits are ties."""


class PairOverlap:
    """An index over questions that knows what its words weigh. Thread-safe."""

    def __init__(self, ids: Sequence[str], questions: Sequence[str], *, k1: float, b: float) -> None:
        self._index = BM25(ids, questions, k1=k1, b=b)
        self._questions, self._k1, self._b = questions, k1, b
        self._having: Counter[str] = Counter()
        length = 0
        for question in questions:
            words = word_tokens(question)
            self._having.update(set(words))
            length += len(words)
        self._mean_length = length / max(1, len(questions)) or 1.0

    def scores(self, query: str) -> Floats:
        """Return the overlap of every entry with the query, [M]."""
        return self._index.scores(query)

    def search(self, query: str, k: int) -> list[Hit]:
        """Return the at most ``k`` entries of the highest overlap."""
        return self._index.search(query, k)

    def shared(self, asked: set[str], row: int, other: int) -> float:
        """Return what the words of ``asked`` that stand in both entries weigh, each once, in the longer entry."""
        first, second = word_tokens(self._questions[row]), word_tokens(self._questions[other])
        longer = max(len(first), len(second)) / self._mean_length
        weight = sum(self._idf(word) for word in sorted(asked.intersection(first, second)))
        return weight / (1 + self._k1 * (1 - self._b + self._b * longer))

    def both_add(self, asked: set[str], row: int, other: int) -> bool:
        """Say whether each entry has a word of ``asked`` that the other lacks."""
        first, second = (asked.intersection(word_tokens(self._questions[place])) for place in (row, other))
        return not (first <= second or second <= first)

    def _idf(self, word: str) -> float:
        """Lucene's inverse document frequency, as in the index."""
        having = self._having[word]
        return math.log(1 + (len(self._questions) - having + 0.5) / (having + 0.5))
