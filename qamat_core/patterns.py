"""Answers that are regular expressions (CuratedTREC), matched as ORQA's and DPR's scripts do.

A pattern is compiled with IGNORECASE, UNICODE and MULTILINE and matches a text that begins with it; the text is not
normalised. The engine is ``regex``, which DPR's scripts use and which can be bounded in time; ORQA's have Python's
``re``, to which a fraction such as one half (U+00BD) is part of a word and a combining accent is not.
"""

from functools import lru_cache
from typing import Final

import regex

from schemas.errors import InputError

_FLAGS: Final = regex.IGNORECASE | regex.UNICODE | regex.MULTILINE
_MAX_CHARACTERS: Final = 4096
_SECONDS: Final = 5.0


def check_pattern(pattern: str) -> None:
    """Raise ``ValueError`` with the reason for a text that is no regular expression."""
    _compiled(pattern)


def matches(pattern: str, text: str) -> bool:
    """Tell whether the text begins with what the pattern describes.

    Raises:
        InputError: it takes longer than 5 seconds to tell.
        ValueError: the pattern is no regular expression.
    """
    try:
        return _compiled(pattern).match(text, timeout=_SECONDS) is not None
    except TimeoutError as error:
        raise _too_slow(pattern, text) from error


def found_in(pattern: str, text: str) -> list[tuple[int, int]]:
    """Return where the pattern is found in a text: first character, and that behind the last; nothing empty.

    Raises:
        InputError, ValueError: as ``matches``.
    """
    try:
        spans = [match.span() for match in _compiled(pattern).finditer(text, timeout=_SECONDS)]
    except TimeoutError as error:
        raise _too_slow(pattern, text) from error
    return [(start, end) for start, end in spans if end > start]


def _too_slow(pattern: str, text: str) -> InputError:
    return InputError(
        f"the pattern {pattern[:80]!r} takes over {_SECONDS:g} s on {text[:40]!r}: write it without nested repeats"
    )


@lru_cache(maxsize=1 << 14)
def _compiled(pattern: str) -> "regex.Pattern[str]":
    if len(pattern) > _MAX_CHARACTERS:
        raise ValueError(f"longer than {_MAX_CHARACTERS} characters")
    try:
        return regex.compile(pattern, _FLAGS)
    except (regex.error, ValueError, OverflowError, RecursionError, MemoryError) as error:
        raise ValueError(str(error) or type(error).__name__) from error
