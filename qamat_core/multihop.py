"""Mining the entries that a multi-hop question needs, by string matches alone (Appendix D).

Final entry: its normalised answer is a gold answer. First entry: its answer stands as a phrase in the final entry's
question and not in the example's, and it comes from another passage. A question that compares two things (its gold
answer is yes or no, or stands in the question itself) needs one entry for each. Candidates are ranked by their
questions' overlap with the example's question, each shared token weighed by BM25 (the weights are not given by the
paper); a pair's score is the sum of both, ties go by the ids.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from qamat_core.bm25 import BM25, Floats
from qamat_core.memory_columns import MemoryColumns
from qamat_core.text import normalize_answer, word_tokens
from schemas.corpus import MultihopConfig

Tier = Literal["bridge", "comparison", "final-only"]

_YES_NO: Final = frozenset({"yes", "no"})
_DIGITS: Final = 4


@dataclass(frozen=True, slots=True)
class Mined:
    """The two entries by their rows of the memory; ``first`` is None for tier "final-only"."""

    first: int | None
    final: int
    tier: Tier
    score: float


class HopMiner:
    """Mines one memory; ``mine`` is thread-safe."""

    def __init__(self, memory: MemoryColumns, config: MultihopConfig) -> None:
        self._memory, self._config = memory, config
        self._index = BM25(memory.ids, memory.questions, k1=config.k1, b=config.b)

    def mine(self, question: str, answers: Sequence[str]) -> Mined | None:
        """Return what is found for a question with its gold answers, or None.

        The tiers are tried in the order comparison, bridge, final-only; with ``hops`` 1 only the last.
        """
        gold = {form for answer in answers if (form := normalize_answer(answer))}
        if not gold:
            return None
        overlap = self._index.scores(question)
        if self._config.hops == 2 and (gold <= _YES_NO or any(_has_phrase(question, form) for form in gold)):
            return self._comparison(question, overlap)
        finals = self._best({row for form in gold for row in self._memory.with_answer.get(form, ())}, overlap)
        bridges = self._bridges(question, finals, overlap) if self._config.hops == 2 else ()
        found = [*bridges] or [Mined(None, row, "final-only", float(overlap[row])) for row in finals[:1]]
        return self._rounded(min(found, key=self._rank, default=None))

    def _bridges(self, question: str, finals: Sequence[int], overlap: Floats) -> Iterator[Mined]:
        """Yield the best bridge to each final entry that has one."""
        for final in finals:
            between = {
                row
                for phrase in _phrases(self._memory.questions[final], self._config.max_answer_words)
                for row in self._memory.with_answer.get(phrase, ())
                if self._memory.elsewhere(row, final) and not _has_phrase(question, phrase)
            }
            for first in self._best(between, overlap)[:1]:
                yield Mined(first, final, "bridge", float(overlap[first] + overlap[final]))

    def _comparison(self, question: str, overlap: Floats) -> Mined | None:
        """Find the entry nearest the question, then the one nearest to what it leaves open, from another passage."""
        nearest = self._index.search(question, 1)
        if not nearest:
            return None
        first = nearest[0].row
        told = set(word_tokens(self._memory.questions[first]))
        rest = self._index.scores(" ".join(word for word in word_tokens(question) if word not in told))
        others = {int(row) for row in np.flatnonzero(rest > 0) if self._memory.elsewhere(int(row), first)}
        found = [
            Mined(first, final, "comparison", float(overlap[first] + overlap[final]))
            for final in self._best(others, overlap + rest)[:1]
        ]
        return self._rounded(next(iter(found), None))

    def _best(self, rows: set[int], scores: Floats) -> list[int]:
        """Return the rows of the highest scores, at most ``finals_per_question``."""
        ranked = sorted(rows, key=lambda row: (-round(float(scores[row]), _DIGITS), self._memory.ids[row]))
        return ranked[: self._config.finals_per_question]

    def _rank(self, found: Mined) -> tuple[float, str, str]:
        first = "" if found.first is None else self._memory.ids[found.first]
        return -round(found.score, _DIGITS), first, self._memory.ids[found.final]

    @staticmethod
    def _rounded(found: Mined | None) -> Mined | None:
        return found and Mined(found.first, found.final, found.tier, round(found.score, _DIGITS))


def _phrases(text: str, longest: int) -> Iterator[str]:
    """Yield every run of 1 to ``longest`` normalised words."""
    words = normalize_answer(text).split()
    for start in range(len(words)):
        for end in range(start + 1, min(start + longest, len(words)) + 1):
            yield " ".join(words[start:end])


def _has_phrase(text: str, phrase: str) -> bool:
    return f" {phrase} " in f" {normalize_answer(text)} "
