"""Mining the entries that a multi-hop question needs, by string matches (Appendix D); what is not there is said so.

Tiers:

- bridge: the final entry's answer is a gold answer; the first one's answer stands as a phrase in the final entry's
  question and not in the example's, and it comes from another passage.
- intersection (not in the paper): both answers are gold, they come from two passages, and each question shares a token
  with the example's that the other lacks: two things are said of what is asked for. The first is the nearer one.
- comparison: the gold answer is yes or no, or one of two names in the question; one entry about each.
- final-only: an entry with a gold answer, nothing before it.

Candidates are ranked by the overlap of their questions with the example's, each shared token weighed by BM25 (the
weights are not given by the paper). A pair's score is the sum of both overlaps less what both cover; ties go to the
bridge, then by the ids.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from qamat_core.bm25 import Floats
from qamat_core.memory_columns import MemoryColumns
from qamat_core.names import names_in
from qamat_core.overlap import DIGITS, PairOverlap
from qamat_core.text import normalize_answer, normalize_question, word_tokens
from schemas.corpus import MultihopConfig

Tier = Literal["bridge", "intersection", "comparison", "final-only"]

_YES_NO: Final = frozenset({"yes", "no"})


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
        self._overlap = PairOverlap(memory.ids, memory.questions, k1=config.k1, b=config.b)

    def mine(self, question: str, answers: Sequence[str]) -> Mined | None:
        """Return what is found for a question with its gold answers, or None; ``hops`` 1 looks for final-only alone."""
        gold = {form for answer in answers if (form := normalize_answer(answer))}
        if not gold:
            return None
        found: Iterable[Mined] = ()
        overlap = self._overlap.scores(question)
        finals = self._best({row for form in gold for row in self._memory.with_answer.get(form, ())}, overlap)
        if self._config.ban_own_entries:
            own = normalize_question(question)
            finals = [row for row in finals if normalize_question(self._memory.questions[row]) != own]
        if self._config.nearest is not None:
            finals = [row for row in finals if np.count_nonzero(overlap > overlap[row]) < self._config.nearest]
        if self._config.hops == 2:
            found = self._compared(question, gold)
            if not found:
                found = (
                    self._nearest_two(question, overlap)
                    if gold <= _YES_NO
                    else self._chained(question, finals, overlap)
                )
        alone = (Mined(None, row, "final-only", _rounded(overlap[row])) for row in finals[:1])
        return min(found, key=self._rank, default=None) or next(alone, None)

    def _chained(self, question: str, finals: Sequence[int], overlap: Floats) -> list[Mined]:
        """Return, of bridges and intersections, each pair that was the best when it was met; the best is the last."""
        asked = set(word_tokens(question))
        best: list[Mined] = []
        for place, final in enumerate(finals):
            adding = [first for first in finals[:place] if self._overlap.both_add(asked, first, final)]
            tiers: tuple[tuple[Tier, Iterable[int]], ...] = (
                ("bridge", self._bridges(question, final)),
                ("intersection", adding),
            )
            for tier, firsts in tiers:
                for first in self._descending(firsts, final, overlap):
                    bound = _rounded(overlap[first] + overlap[final])
                    if best and bound < best[-1].score:
                        break  # the others overlap less
                    score = _rounded(overlap[first] + overlap[final] - self._overlap.shared(asked, first, final))
                    pair = Mined(first, final, tier, score)
                    if not best or self._rank(pair) < self._rank(best[-1]):
                        best.append(pair)
        return best

    def _bridges(self, question: str, final: int) -> set[int]:
        """Return the entries whose answer stands in the final one's question and not in the example's."""
        return {
            row
            for phrase in set(_phrases(self._memory.questions[final], self._config.max_answer_words))
            if phrase in self._memory.with_answer and not _has_phrase(question, phrase)
            for row in self._memory.with_answer[phrase]
        }

    def _descending(self, firsts: Iterable[int], final: int, overlap: Floats) -> Iterator[int]:
        """Yield the rows that come from another passage than the final entry, by falling overlap."""
        rows = np.fromiter(firsts, np.int64)
        for row in rows[np.argsort(-overlap[rows], kind="stable")].tolist():
            if self._memory.elsewhere(row, final):
                yield row

    def _compared(self, question: str, gold: set[str]) -> list[Mined]:
        """Return the best pair about each two names of which one is the gold answer, or any two for yes and no."""
        names = names_in(question)
        return [
            pair
            for place, name in enumerate(names)
            for other in names[place + 1 :]
            if gold <= _YES_NO or name in gold or other in gold
            for pair in self._about(question, *((other, name) if name in gold else (name, other)))
        ]

    def _about(self, question: str, name: str, other: str) -> Iterator[Mined]:
        """Yield, for each entry about ``name``, the best one about ``other``; each overlaps with its own part."""
        firsts, overlap = self._naming(question, name, other)
        finals, final_overlap = self._naming(question, other, name)
        for first in firsts:
            for final in (row for row in finals if self._memory.elsewhere(row, first)):
                yield Mined(first, final, "comparison", _rounded(overlap[first] + final_overlap[final]))
                break

    def _naming(self, question: str, name: str, other: str) -> tuple[list[int], Floats]:
        """Return the entries that name one thing and not the other, and overlaps without the other's name."""
        only_other = set(other.split()) - set(name.split())
        overlap = self._overlap.scores(" ".join(word for word in word_tokens(question) if word not in only_other))
        near = (hit.row for hit in self._overlap.search(name, self._config.entries_per_name))
        return self._best(
            {row for row in near if self._names(row, name) and not self._names(row, other)}, overlap
        ), overlap

    def _names(self, row: int, name: str) -> bool:
        return name == self._memory.normalized[row] or _has_phrase(self._memory.questions[row], name)

    def _nearest_two(self, question: str, overlap: Floats) -> list[Mined]:
        """Find the entry nearest the question, then the one nearest to what it leaves open, from another passage."""
        nearest = self._overlap.search(question, 1)
        if not nearest:
            return []
        first = nearest[0].row
        told = set(word_tokens(self._memory.questions[first]))
        rest = self._overlap.scores(" ".join(word for word in word_tokens(question) if word not in told))
        others = {int(row) for row in np.flatnonzero(rest > 0) if self._memory.elsewhere(int(row), first)}
        return [
            Mined(first, final, "comparison", _rounded(overlap[first] + overlap[final]))
            for final in self._best(others, overlap + rest)[:1]
        ]

    def _best(self, rows: set[int], scores: Floats) -> list[int]:
        """Return the rows of the highest scores, at most ``finals_per_question``."""
        ranked = sorted(rows, key=lambda row: (-_rounded(scores[row]), self._memory.ids[row]))
        return ranked[: self._config.finals_per_question]

    def _rank(self, found: Mined) -> tuple[float, Tier, str, str]:
        """Order pairs; "bridge" stands before "intersection" in the alphabet too."""
        first = "" if found.first is None else self._memory.ids[found.first]
        return -found.score, found.tier, first, self._memory.ids[found.final]


def _rounded(score: np.float32 | float) -> float:
    return round(float(score), DIGITS)


def _phrases(text: str, longest: int) -> Iterator[str]:
    """Yield every run of 1 to ``longest`` normalised words."""
    words = normalize_answer(text).split()
    for start in range(len(words)):
        for end in range(start + 1, min(start + longest, len(words)) + 1):
            yield " ".join(words[start:end])


def _has_phrase(text: str, phrase: str) -> bool:
    return f" {phrase} " in f" {normalize_answer(text)} "
