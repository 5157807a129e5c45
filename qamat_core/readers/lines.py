"""Reading text line by line, with bounds; bad lines become rejects.

A reject's source is ``name:line`` with the file's name only, so that it is the same on every machine.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import IO, Final, TypeVar

from schemas.errors import InputError
from schemas.records import Reject

MAX_LINE_BYTES: Final = 1 << 20
_PREVIEW: Final = 200

Record = TypeVar("Record")


class BadRecordError(ValueError):
    """A record cannot be used; the message is the reason that stands in its reject."""


class BadFileError(InputError):
    """A file or member cannot be used as a whole; ``reason`` says why and what to give instead."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name}: {reason}")
        self.reason = reason


class Distinct:
    """Refuses the second record of the same id; holds every id of the file in memory."""

    def __init__(self):
        self._seen: set[str] = set()

    def check(self, record_id: str) -> None:
        """Raise ``BadRecordError`` if the id was checked before."""
        if record_id in self._seen:
            raise BadRecordError(f"duplicate id {record_id[:80]}")
        self._seen.add(record_id)


def reject(source: str, record: str, reason: str) -> Reject:
    """Make a reject with the first 200 characters of the record."""
    return Reject(source, record[:_PREVIEW].encode(errors="replace").decode(), reason)


@dataclass(frozen=True, slots=True)
class Line:
    """A line that is not blank, and its place ``name:line``."""

    source: str
    text: str


def read_lines(
    stream: IO[bytes], name: str, *, header: str | None = None, max_line_bytes: int = MAX_LINE_BYTES
) -> Iterator[Line | Reject]:
    """Give every line that is not blank, without its end and without a byte order mark.

    ``header`` is a first line to pass over where it is present. Longer lines than ``max_line_bytes``, never held in
    memory as a whole, and lines that are not UTF-8 become rejects.
    """
    for number, (raw, whole) in enumerate(_bounded_lines(stream, max_line_bytes), start=1):
        source, text = f"{name}:{number}", raw.decode(errors="replace").lstrip("\ufeff").rstrip("\r\n")
        if not text.strip() or (number == 1 and text == header):
            continue
        try:
            if not whole:
                raise BadRecordError(f"line longer than {max_line_bytes} bytes")
            _check_utf8(raw)
        except BadRecordError as error:
            yield reject(source, text, str(error))
        else:
            yield Line(source, text)


def parse_lines(
    stream: IO[bytes],
    name: str,
    parse: Callable[[str], Record],
    *,
    header: str | None = None,
    max_line_bytes: int = MAX_LINE_BYTES,
) -> Iterator[Record | Reject]:
    """Parse every line of ``read_lines``; ``parse`` raises ``BadRecordError`` for a line that becomes a reject."""
    for line in read_lines(stream, name, header=header, max_line_bytes=max_line_bytes):
        if isinstance(line, Reject):
            yield line
            continue
        try:
            record = parse(line.text)
        except BadRecordError as error:
            yield reject(line.source, line.text, str(error))
        else:
            yield record


def _bounded_lines(stream: IO[bytes], limit: int) -> Iterator[tuple[bytes, bool]]:
    """Give every line's first ``limit`` bytes and whether these are the whole line."""
    while line := stream.readline(limit + 1):
        whole = len(line) <= limit or line.endswith(b"\n")
        rest = line
        while rest and not rest.endswith(b"\n"):
            rest = stream.readline(limit)
        yield line[: limit + 1], whole


def _check_utf8(raw: bytes) -> None:
    try:
        raw.decode()
    except UnicodeDecodeError as error:
        raise BadRecordError(f"invalid UTF-8 at byte {error.start}") from error
