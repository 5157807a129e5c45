"""From decoded texts to answer spans: what stands in the passage is kept, everything else is rejected with a reason."""

from collections.abc import Sequence
from typing import NamedTuple

from qamat_core.generation.generator import Candidate


class Span(NamedTuple):
    """``text`` is ``passage[start:end]``."""

    text: str
    start: int
    end: int
    sum_logprob: float
    mean_logprob: float


class Refused(NamedTuple):
    """A candidate that is no answer, and why."""

    text: str
    reason: str


def separate(candidates: Sequence[Candidate], separator: str) -> list[Candidate]:
    """Return every answer of texts that hold several, each with the probability of the text that it stands in.

    Args:
        candidates: what the generator wrote.
        separator: ends each answer (``PromptFormat.answer_separator``); empty where a text is one answer. Of a text
            that was cut, the last answer is marked as cut.
    """
    return [answer for one in candidates for answer in _answers(one, separator)] if separator else list(candidates)


def _answers(one: Candidate, separator: str) -> list[Candidate]:
    *ended, last = map(str.strip, one.text.split(separator))
    answers = [one._replace(text=text, ended=True) for text in ended]
    return answers if ended and not last else [*answers, one._replace(text=last)]


def spans_of(passage: str, candidates: Sequence[Candidate]) -> tuple[list[Span], list[Refused]]:
    """Return the spans of one passage, most probable first (of equals by text), and the refused candidates.

    A span is the first occurrence of the text that starts and ends at a word's boundary.
    """
    spans: list[Span] = []
    refused: list[Refused] = []
    seen: set[tuple[int, int]] = set()
    for one in sorted(candidates, key=lambda one: (-one.sum_logprob, one.text)):
        start = find_words(passage, one.text)
        reason = _fault(passage, one, start, seen)
        if reason or start is None:
            refused.append(Refused(one.text, reason))
            continue
        end = start + len(one.text)
        seen.add((start, end))
        spans.append(Span(one.text, start, end, one.sum_logprob, one.mean_logprob))
    return spans, refused


def _fault(passage: str, one: Candidate, start: int | None, seen: set[tuple[int, int]]) -> str:
    if not one.text:
        return "empty"
    if not one.ended:
        return "too long"
    if start is None:
        return "not at a word's boundary" if one.text in passage else "not in the passage"
    return "repeated" if (start, start + len(one.text)) in seen else ""


def find_words(passage: str, text: str) -> int | None:
    """Return where a text first stands in a passage without cutting a word at either end, None if nowhere."""
    start = passage.find(text) if text else -1
    while start >= 0:
        end = start + len(text)
        if not _cuts_word(passage, start) and not _cuts_word(passage, end):
            return start
        start = passage.find(text, start + 1)
    return None


def _cuts_word(passage: str, place: int) -> bool:
    return 0 < place < len(passage) and passage[place - 1].isalnum() and passage[place].isalnum()
