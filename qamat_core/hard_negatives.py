"""Hard negatives: entries that BM25 ranks high for an example and that do not answer it (section 4.2)."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from qamat_core.bm25 import BM25, Hit
from qamat_core.memory_columns import MemoryColumns
from qamat_core.pretraining_examples import MaskedPassage
from schemas.corpus import NegativesConfig

_TRIES: Final = 8
"""So many entries are drawn at random for each negative that is still missing."""


@dataclass(frozen=True, slots=True)
class Negative:
    """An entry by its row of the memory, how it was found, and its BM25 score (0 where drawn at random)."""

    row: int
    kind: Literal["bm25", "random"]
    score: float


class HardNegatives:
    """Mines a memory. An entry whose answer is one of the example's, or of the same span, is never a negative."""

    def __init__(self, memory: MemoryColumns, config: NegativesConfig) -> None:
        self._memory, self._config = memory, config
        self._index = BM25(memory.ids, memory.questions, k1=config.k1, b=config.b)

    def mine(self, example: MaskedPassage, text: str) -> list[Negative]:
        """Return ``negatives_per_example`` negatives, hardest first; fewer only where the memory has no more.

        Args:
            example: the masked passage.
            text: the passage as it was.
        """
        wanted = self._config.negatives_per_example
        query = text
        if self._config.negative_query == "question":
            query = " ".join(self._memory.questions[row] for row in example.rows)
        allowed = _Allowed(example, self._memory)
        found: list[Negative] = []
        for hit in self._hits(query):
            if len(found) == wanted:
                break
            if hit.row in allowed:
                found.append(Negative(hit.row, "bm25", hit.score))
        return found + self._drawn(wanted - len(found), {negative.row for negative in found}, allowed, example)

    def _hits(self, query: str) -> Iterator[Hit]:
        """Yield what BM25 finds, best first, asking for more until nothing is left."""
        seen, asked = 0, 4 * (self._config.negatives_per_example + 1)
        while len(hits := self._index.search(query, asked)) > seen:
            yield from hits[seen:]
            seen, asked = len(hits), asked * 4

    def _drawn(self, wanted: int, taken: set[int], allowed: "_Allowed", example: MaskedPassage) -> list[Negative]:
        rng = random.Random(f"{self._config.seed}/{example.example_id}")
        rows = rng.sample(range(len(self._memory)), min(_TRIES * wanted, len(self._memory)))
        fitting = [row for row in rows if row not in taken and row in allowed]
        return [Negative(row, "random", 0.0) for row in fitting[:wanted]]


class _Allowed:
    """The rows that may be negatives of an example."""

    def __init__(self, example: MaskedPassage, memory: MemoryColumns) -> None:
        self._memory = memory
        self._answers = set[str]().union(*(memory.answers_of(row) for row in example.rows))
        self._spans = {(memory.passages[row], memory.starts[row]) for row in example.rows}

    def __contains__(self, row: int) -> bool:
        memory = self._memory
        return (memory.passages[row], memory.starts[row]) not in self._spans and self._answers.isdisjoint(
            memory.answers_of(row)
        )
