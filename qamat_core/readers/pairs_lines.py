"""Lines of an open stream with bounds, and pairs made of lines: a bad line becomes a reject, the rest goes on."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from qamat_core.readers.lines import MAX_LINE_BYTES, BadRecordError, reject
from qamat_core.readers.pairs_records import ImportedPair
from schemas.records import Reject


@dataclass(frozen=True, slots=True)
class Line:
    """One line without its end, as bytes; ``whole`` is false for one that was longer than the limit."""

    place: str
    raw: bytes
    whole: bool

    def text(self) -> str:
        """Return the line as text. Raises ``BadRecordError`` for a line that is too long or not UTF-8."""
        if not self.whole:
            raise BadRecordError(f"line longer than {len(self.raw)} bytes")
        try:
            return self.raw.decode()
        except UnicodeDecodeError as error:
            raise BadRecordError(f"invalid UTF-8 at byte {error.start}") from error

    def preview(self) -> str:
        """Return the line as text for a reject, whatever its bytes are."""
        return self.raw.decode(errors="replace")


def bounded_lines(name: str, file: BinaryIO, limit: int = MAX_LINE_BYTES) -> Iterator[Line]:
    """Yield every line with its place ``name:number``; of a longer one no more than ``limit`` bytes are held."""
    number = 0
    while line := file.readline(limit + 1):
        number += 1
        whole = len(line) <= limit or line.endswith(b"\n")
        rest = line
        while rest and not rest.endswith(b"\n"):
            rest = file.readline(limit)
        raw = line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line
        yield Line(f"{name}:{number}", raw.rstrip(b"\r\n") if whole else raw[:limit], whole)


def parse_pairs(lines: Iterator[Line], parse: Callable[[str, str], ImportedPair]) -> Iterator[ImportedPair | Reject]:
    """Parse every line that is not blank; ``parse`` gets its place and its text."""
    for line in lines:
        if line.raw.strip():
            try:
                yield parse(line.place, line.text())
            except BadRecordError as error:
                yield reject(line.place, line.preview(), str(error))
