"""Which decoded texts are questions, and whether the reader's answer confirms a pair."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from qamat_core.evaluation.metrics import f1
from qamat_core.generation.generator import Candidate
from qamat_core.text import normalize_answer
from qamat_core.tokenizer import UNKNOWN

_SENTINEL = re.compile(rf"<extra_id_\d+>|{re.escape(UNKNOWN)}")


class Verdict(NamedTuple):
    """What the reading-comprehension filter says of a pair; ``reason`` is match, mismatch or empty."""

    predicted: str
    f1: float
    kept: bool
    reason: str


def question_fault(candidate: Candidate) -> str:
    """Return why a decoded text is no question, or nothing if it is one."""
    if not candidate.text.strip(" ?.!"):
        return "empty"
    if not candidate.ended:
        return "too long"
    # A sentinel inside a question would later read as a mask.
    return "holds a sentinel" if _SENTINEL.search(candidate.text) else ""


def likeliest_answer(readings: Sequence[Candidate], scores: Sequence[float]) -> str:
    """Return the answer of the likeliest pair of a passage and what was read from it; nothing if there are none.

    log P(passage, answer | question) is, up to a constant, the passage's BM25 score (a sum of logarithms of odds) and
    the answer's log-probability given the passage. The latter alone does not tell passages apart: a reader that always
    met a passage with the answer is as sure of the wrong one. Ties go by text.

    Args:
        readings: what was read from each passage found, [K].
        scores: the passages' BM25 scores, [K].
    """
    likelihoods = [score + reading.sum_logprob for reading, score in zip(readings, scores, strict=True)]
    return max(zip(likelihoods, (reading.text for reading in readings), strict=True), default=(0.0, ""))[1]


def judge(answer: str, predicted: str) -> Verdict:
    """Compare the answer that a question was made for with the answer read from the passage.

    Kept is an exact match after ``normalize_answer``; an answer that normalises to nothing never matches.
    """
    overlap = round(f1(predicted, [answer]), 4)
    read = normalize_answer(predicted)
    if not read:
        return Verdict(predicted, overlap, kept=False, reason="empty")
    kept = read == normalize_answer(answer)
    return Verdict(predicted, overlap, kept, "match" if kept else "mismatch")
