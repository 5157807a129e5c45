"""What a BM25 engine answers with."""

from collections.abc import Sequence
from typing import Final, NamedTuple, Protocol

DIGITS: Final = 4
"""Scores are rounded to so many decimals; what is equal then is a tie, and ties go by id."""


class Hit(NamedTuple):
    """A text that was found: its row in the index (from 0) and its score (rounded)."""

    row: int
    score: float


class Engine(Protocol):
    """An index that can be searched; thread-safe."""

    def batch_search(self, queries: Sequence[str], k: int) -> list[list[Hit]]:
        """Return, for every query, the at most ``k`` best texts whose rounded score is above 0, best first."""
        ...
