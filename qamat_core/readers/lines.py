"""Reading text files line by line, with bounds: bad lines become rejects, a bad file an error.

A reject's source is ``name:line`` with the file's name only, so that it is the same on every machine.
"""

import gzip
import zlib
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final, TypeVar, cast

from schemas.errors import InputError
from schemas.records import Reject

MAX_LINE_BYTES: Final = 1 << 20
_PREVIEW: Final = 200

Record = TypeVar("Record")


class BadRecordError(ValueError):
    """A record cannot be used; the message is the reason that stands in its reject."""


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


@contextmanager
def open_bytes(path: Path) -> Generator[BinaryIO]:
    """Open a file, unpacked if its name ends in .gz; missing, unreadable and damaged files are an ``InputError``."""
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            yield cast("BinaryIO", file)
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file: check the path") from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError(f"{path}: the gzip stream is cut off or damaged ({error}): fetch the file again") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error}): give a readable file") from error


def parse_lines(
    path: Path,
    parse: Callable[[str], Record],
    *,
    header: str | None = None,
    max_line_bytes: int = MAX_LINE_BYTES,
) -> Iterator[Record | Reject]:
    """Parse every line that is not blank; ``parse`` raises ``BadRecordError`` for a line that becomes a reject.

    ``header`` is a first line to pass over where it is present. Longer lines than ``max_line_bytes``, never held in
    memory as a whole, and lines that are not UTF-8 become rejects too.
    """
    with open_bytes(path) as file:
        for number, (raw, whole) in enumerate(_bounded_lines(file, max_line_bytes), start=1):
            source, text = f"{path.name}:{number}", raw.decode(errors="replace").lstrip("\ufeff").rstrip("\r\n")
            if not text.strip() or (number == 1 and text == header):
                continue
            try:
                if not whole:
                    raise BadRecordError(f"line longer than {max_line_bytes} bytes")
                _check_utf8(raw)
                record = parse(text)
            except BadRecordError as error:
                yield reject(source, text, str(error))
            else:
                yield record


def _bounded_lines(file: BinaryIO, limit: int) -> Iterator[tuple[bytes, bool]]:
    """Give every line's first ``limit`` bytes and whether these are the whole line."""
    while line := file.readline(limit + 1):
        whole = len(line) <= limit or line.endswith(b"\n")
        rest = line
        while rest and not rest.endswith(b"\n"):
            rest = file.readline(limit)
        yield line[: limit + 1], whole


def _check_utf8(raw: bytes) -> None:
    try:
        raw.decode()
    except UnicodeDecodeError as error:
        raise BadRecordError(f"invalid UTF-8 at byte {error.start}") from error
