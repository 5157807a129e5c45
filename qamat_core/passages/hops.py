"""Two hops of dense retrieval (MDR, Xiong et al. 2021): the second query is the question with the first passage."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int, Int32

from qamat_core.tokenizer import MASK, Tokenizer
from schemas.records import Passage


class Chain(NamedTuple):
    """Two passages and their common score, the sum of both rounds'."""

    first: int
    second: int
    score: float


def hop_queries(
    questions: Sequence[str], found: Sequence[Passage | None], tokenizer: Tokenizer, length: int
) -> Int32[np.ndarray, "B L"]:
    """Return the tokens of ``[MASK] question``, and behind it ``title text`` of the passage found, if there is one."""
    texts = [
        f"{MASK} {question}" + (f" {passage.title} {passage.text}" if passage else "")
        for question, passage in zip(questions, found, strict=True)
    ]
    return tokenizer.encode_batch(texts, length)


def best_chains(
    firsts: Int[np.ndarray, " B"],
    first_scores: Float[np.ndarray, " B"],
    seconds: Int[np.ndarray, "B C"],
    second_scores: Float[np.ndarray, "B C"],
) -> list[Chain]:
    """Return the chains of a question, best first; none ends where it began.

    Args:
        firsts: the B passages of round one; -1 where there are no more.
        first_scores: their scores.
        seconds: the C passages of round two behind each.
        second_scores: their scores.
    """
    chains = [
        Chain(int(first), int(second), round(float(score + more), 4))
        for first, score, line, scores in zip(firsts, first_scores, seconds, second_scores, strict=True)
        for second, more in zip(line, scores, strict=True)
        if first >= 0 and second >= 0 and first != second
    ]
    return sorted(chains, key=lambda chain: (-chain.score, chain.first, chain.second))


def passages_of(chains: Sequence[Chain], most: int) -> list[tuple[int, float]]:
    """Return the passages of the best chains with the score of the first chain that has them, at most so many."""
    scores: dict[int, float] = {}
    for chain in chains:
        for row in (chain.first, chain.second):
            scores.setdefault(row, chain.score)
    return list(scores.items())[:most]
