"""Where a text holds an answer, as DPR's script has it: the answer's words in a row, accents and case aside.

Words are runs of letters, digits and marks; every other visible character is a word of its own. An answer that is a
regular expression (CuratedTREC) is searched for as it is.
"""

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

import regex

from qamat_core.patterns import found_in
from schemas.datasets import Script

Span = tuple[int, int]
"""The first character, and that behind the last."""

_WORD = regex.compile(r"[\p{L}\p{N}\p{M}]+|[^\p{Z}\p{C}]")


class _Words(NamedTuple):
    spans: tuple[Span, ...]
    joined: str
    """The words' normal forms, a space around each."""
    begins: dict[int, int]
    """Character of ``joined`` at which a word's leading space stands -> number of the word."""


def occurrences(text: str, answers: Iterable[str], script: Script) -> list[Span]:
    """Return where a text holds one of the answers, from left to right, each place once.

    Raises:
        InputError: a pattern takes too long.
    """
    if script == "patterns":
        return sorted({span for pattern in answers for span in found_in(pattern, text)})
    words = _words(text)
    return sorted({span for answer in answers for span in _in_a_row(words, _words(answer))})


def first_holding(texts: Sequence[str], answers: Sequence[str], script: Script) -> int | None:
    """Return the 0-based rank of the first text that holds an answer, None if there is none."""
    return next((rank for rank, text in enumerate(texts) if occurrences(text, answers, script)), None)


def _in_a_row(words: _Words, wanted: _Words) -> Iterator[Span]:
    if not wanted.spans:
        return
    place = words.joined.find(wanted.joined)
    while place >= 0:
        first = words.begins[place]
        yield words.spans[first][0], words.spans[first + len(wanted.spans) - 1][1]
        place = words.joined.find(wanted.joined, place + 1)


@lru_cache(maxsize=1 << 14)
def _words(text: str) -> _Words:
    spans: list[Span] = []
    begins: dict[int, int] = {}
    forms: list[str] = []
    place = 0
    for match in _WORD.finditer(text):
        form = unicodedata.normalize("NFD", match.group()).lower()
        begins[place] = len(spans)
        spans.append(match.span())
        forms.append(form)
        place += len(form) + 1
    return _Words(tuple(spans), f" {' '.join(forms)} " if forms else "", begins)
