"""Hard negatives: entries that BM25 ranks high for an example and that do not answer it (section 4.2)."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from qamat_core.bm25 import Engine, Hit
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

    def __init__(self, memory: MemoryColumns, engine: Engine, config: NegativesConfig) -> None:
        """Take a memory and the index of its questions, row by row."""
        self._memory, self._engine, self._config = memory, engine, config

    def mine(self, examples: Sequence[MaskedPassage], texts: Sequence[str]) -> list[list[Negative]]:
        """Return each example's ``negatives_per_example`` negatives, hardest first, random ones last.

        There are fewer only where BM25 finds no more and the entries drawn at random (8 for each that is missing)
        answer the example.

        Args:
            examples: masked passages.
            texts: the passage of each as it was; examples of one passage share one search.
        """
        queries = [self._query(example, text) for example, text in zip(examples, texts, strict=True)]
        asked = list(dict.fromkeys(queries))
        found = dict(zip(asked, self._engine.batch_search(asked, self._first), strict=True))
        return [self._choose(*pair, found[pair[1]]) for pair in zip(examples, queries, strict=True)]

    @property
    def _first(self) -> int:
        """So many hits are asked for at first."""
        return 4 * (self._config.negatives_per_example + 1)

    def _query(self, example: MaskedPassage, text: str) -> str:
        if self._config.negative_query == "passage":
            return text
        return " ".join(self._memory.questions[row] for row in example.rows)

    def _choose(self, example: MaskedPassage, query: str, hits: Sequence[Hit]) -> list[Negative]:
        wanted = self._config.negatives_per_example
        hard = wanted - self._config.random_negatives
        allowed = _Allowed(example, self._memory)
        found: list[Negative] = []
        ranking = self._deeper(query, hits)
        while len(found) < hard and (hit := next(ranking, None)):
            if hit.row in allowed:
                found.append(Negative(hit.row, "bm25", hit.score))
        return found + self._drawn(wanted - len(found), {negative.row for negative in found}, allowed, example)

    def _deeper(self, query: str, hits: Sequence[Hit]) -> Iterator[Hit]:
        """Yield what BM25 finds, best first, asking for more until nothing is left."""
        yield from hits
        seen, asked = len(hits), self._first
        while seen == asked:
            asked *= 4
            (hits,) = self._engine.batch_search([query], asked)
            yield from hits[seen:]
            seen = len(hits)

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
