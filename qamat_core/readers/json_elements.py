"""The elements of one long list in JSON, one after another: memory is bounded by the largest element."""

import codecs
import json
import re
from collections.abc import Iterator
from typing import IO, Final

from qamat_core.readers.lines import BadFileError

MAX_ELEMENT: Final = 1 << 26
"""In characters."""
_CHUNK: Final = 1 << 18
_AFTER: Final = frozenset(", ]\t\r\n")
_SPACE: Final = re.compile(r"[ \t\r\n]*")


def json_elements(
    stream: IO[bytes], name: str, key: str | None, wanted: str, *, max_element: int = MAX_ELEMENT
) -> Iterator[object]:
    """Give the elements of a list.

    Args:
        stream: the file, UTF-8.
        name: stands in errors.
        key: the list is this field of an object and stands at its beginning; None: it is the whole file.
        wanted: what the file should be, for the error.
        max_element: characters of the longest element.

    Raises:
        BadFileError: the file is no such JSON; what stands before the fault has been given.
    """
    try:
        yield from _elements(_Window(stream, max_element), key)
    except (ValueError, RecursionError) as error:
        raise BadFileError(name, f"no {wanted} (malformed JSON: {error})") from error


def _elements(window: "_Window", key: str | None) -> Iterator[object]:
    opening = r"\s*\[" if key is None else rf'\s*\{{[^\[]*?"{key}"\s*:\s*\['
    window.open(re.compile(opening), "no list" if key is None else f'no list "{key}" at its beginning')
    if window.next() != "]":
        yield window.value()
        while window.next() == ",":
            window.skip()
            yield window.value()
    if window.next() != "]":
        raise ValueError("the list is cut off or lacks a comma")
    window.skip()
    if window.next() not in (("",) if key is None else (",", "}")):
        raise ValueError("something else stands after the list")


class _Window:
    """What has been read of a stream and not yet been given."""

    def __init__(self, stream: IO[bytes], max_element: int) -> None:
        self._stream, self._max = stream, max_element
        self._decode = codecs.getincrementaldecoder("utf-8-sig")().decode
        self._json = json.JSONDecoder()
        self._text, self._at, self._ended = "", 0, False

    def open(self, pattern: re.Pattern[str], reason: str) -> None:
        """Pass over what the pattern matches at the beginning of the file."""
        self._fill()
        found = pattern.match(self._text)
        if found is None:
            raise ValueError(reason)
        self._at = found.end()

    def next(self) -> str:
        """Return the next character that is no space without passing over it; "" at the end."""
        while (at := self._space_end()) == len(self._text) and not self._ended:
            self._fill()
        self._at = at
        return self._text[at : at + 1]

    def skip(self) -> None:
        """Pass over a character."""
        self._at += 1

    def value(self) -> object:
        """Return the next value."""
        self.next()
        while True:
            try:
                value, end = self._json.raw_decode(self._text, self._at)
            except ValueError:
                if self._ended:
                    raise
            else:
                if self._ended or self._text[end : end + 1] in _AFTER:  # else a number may go on
                    self._at = end
                    return value
            if len(self._text) - self._at > self._max:
                raise ValueError(f"an element is malformed or longer than {self._max} characters")
            self._fill()

    def _space_end(self) -> int:
        found = _SPACE.match(self._text, self._at)
        return found.end() if found else self._at

    def _fill(self) -> None:
        """Read as much again as is held, so that a long element is not parsed too often."""
        left = self._text[self._at :]
        raw = self._stream.read(max(_CHUNK, len(left)))
        self._ended = not raw
        self._text, self._at = left + self._decode(raw, self._ended), 0
