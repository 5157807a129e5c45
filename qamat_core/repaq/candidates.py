"""Candidates: what was retrieved for the training questions, and which of it answers them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np
from jaxtyping import Float32, Int, Int8, Int32

from qamat_core.indexes.protocol import Found
from qamat_core.qamat.packing import chosen
from qamat_core.text import normalize_answer
from qamat_core.training.loader import Batch
from schemas.errors import TrainingError


class Candidates(NamedTuple):
    """The K entries of E questions, best first."""

    rows: Int32[np.ndarray, "E K"]
    """Of the memory; -1 where no more was retrieved."""
    states: Int8[np.ndarray, "E K"]
    """1 where the entry's answer is right, 0 where it is not, -1 where there is no entry."""
    scores: Float32[np.ndarray, "E K"]
    """The retriever's; 0 where there is no entry."""

    @classmethod
    def judged(cls, found: Found, answers: Sequence[Sequence[str]], accepted: "Answers") -> Self:
        """Judge retrieved entries by the gold ``answers`` of their questions."""
        states = np.full(found.rows.shape, -1, np.int8)
        for line, rows, gold in zip(states, found.rows.tolist(), answers, strict=True):
            wanted = {normalize_answer(answer) for answer in gold}
            line[:] = [-1 if row < 0 else not wanted.isdisjoint(accepted.of(row)) for row in rows]
        scores = np.where(found.rows >= 0, found.scores, 0).astype(np.float32)
        return cls(found.rows.astype(np.int32), states, scores)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what ``save`` wrote."""
        with np.load(path, allow_pickle=False) as arrays:
            return cls(**arrays)

    def save(self, path: Path) -> None:
        """Write a file that is there only once it is whole."""
        temporary = path.with_suffix(".tmp")
        with temporary.open("wb") as file:
            np.savez(file, **self._asdict())
        temporary.replace(path)

    def learnable(self) -> Int[np.ndarray, " R"]:
        """Return the questions that a right entry was retrieved for: the others teach nothing.

        Raises:
            TrainingError: there is none.
        """
        rows = np.flatnonzero((self.states == 1).any(axis=1))
        if not len(rows):
            raise TrainingError(
                f"none of {len(self.rows)} questions retrieves an entry with its answer among {self.rows.shape[1]}: "
                "raise top_k, or start from a checkpoint that retrieves better"
            )
        return rows


class Answers:
    """The normalised answers of a memory's entries.

    Args:
        ids: the entries, by row.
        accepted: entry id -> its answer and aliases.
    """

    def __init__(self, ids: Sequence[str], accepted: Mapping[str, Sequence[str]]) -> None:
        self._ids, self._accepted = ids, accepted
        self._known: dict[int, frozenset[str]] = {}

    def of(self, row: int) -> frozenset[str]:
        """Return those of an entry."""
        if row not in self._known:
            self._known[row] = frozenset(map(normalize_answer, self._accepted[self._ids[row]]))
        return self._known[row]


def candidate_batch(
    inputs: Int32[np.ndarray, "E L"],
    tokens: np.ndarray,
    candidates: Candidates,
    size: int,
    seed: int,
    step: int,
) -> Batch:
    """Return the batch of a step: learnable questions, in an order of their own every epoch.

    Args:
        inputs: of all questions.
        tokens: [M, W], of all entries: keys for the retriever, values for the re-ranker.
        candidates: of all questions.
        size: questions of a batch.
        seed: of the order.
        step: counted from 0.
    """
    questions = chosen(candidates.learnable(), size, seed, step)
    rows = candidates.rows[questions]
    return {
        "inputs": inputs[questions],
        "entries": tokens[np.maximum(rows, 0)].astype(np.int32),
        "states": candidates.states[questions].astype(np.int32),
        "scores": candidates.scores[questions],
    }
