"""OpenTriviaQA's text form: multiple-choice questions, of which the right answer is kept.

    #Q The question, which may go on over several lines
    ^ The right answer
    A A choice
    B Another choice

The files mix encodings: a line that is not UTF-8 is Windows-1252, or UTF-8 whose closing quotes were lost as "?".
"""

import re
from collections.abc import Iterator
from typing import BinaryIO, Final

from qamat_core.readers.lines import BadRecordError, reject
from qamat_core.readers.pairs_lines import Line, bounded_lines
from qamat_core.readers.pairs_records import ImportedPair
from schemas.records import Reject

_QUESTION: Final = "#Q"
_ANSWER: Final = "^"
_CHOICE = re.compile(r"[A-Z](?:\s+(?P<text>.*))?")
_SEQUENCE = re.compile(rb"[\xc2-\xf4][\x80-\xbf]+")
_LOST_QUOTE: Final = (b"\xe2\x80?", "”".encode())


def read_opentriviaqa(name: str, file: BinaryIO) -> Iterator[ImportedPair | Reject]:
    """Read the pairs of a stream in order; ``name`` and the line of the question stand in their places."""
    for lines in _blocks(bounded_lines(name, file)):
        try:
            yield _pair(lines)
        except BadRecordError as error:
            yield reject(lines[0].place, " ".join(line.preview() for line in lines), str(error))


def _blocks(lines: Iterator[Line]) -> Iterator[list[Line]]:
    """Cut the file before every line that begins a question; leave out blank lines."""
    block: list[Line] = []
    for line in lines:
        if line.raw.startswith(_QUESTION.encode()) and block:
            yield block
            block = []
        if line.raw.strip():
            block.append(line)
    if block:
        yield block


def _pair(lines: list[Line]) -> ImportedPair:
    texts = [_decode(line) for line in lines]
    marks = [number for number, text in enumerate(texts) if text.startswith(_ANSWER)]
    if not texts[0].startswith(_QUESTION):
        raise BadRecordError(f"text before the first question: no line begins with {_QUESTION}")
    if len(marks) != 1:
        raise BadRecordError(f"{len(marks)} lines begin with {_ANSWER} where one right answer is expected")
    question = _squeezed([texts[0].removeprefix(_QUESTION), *texts[1 : marks[0]]])
    answer = _squeezed([texts[marks[0]].removeprefix(_ANSWER)])
    if not question or not answer:
        raise BadRecordError("the question or the right answer is empty")
    choices = [match["text"] or "" for match in map(_CHOICE.fullmatch, texts[marks[0] + 1 :]) if match]
    if answer.lower() not in {_squeezed([choice]).lower() for choice in choices}:
        raise BadRecordError("the right answer is none of the choices")
    return ImportedPair(lines[0].place, question, answer)


def _squeezed(parts: list[str]) -> str:
    return " ".join(" ".join(parts).split())


def _decode(line: Line) -> str:
    """Return a line as text. Raises ``BadRecordError`` for one that is neither of the encodings."""
    raw = line.raw.replace(*_LOST_QUOTE)
    try:
        return Line(line.place, raw, line.whole).text()
    except BadRecordError:
        if not line.whole or _SEQUENCE.search(raw):
            raise
    try:
        return raw.decode("cp1252")
    except UnicodeDecodeError as error:
        raise BadRecordError(f"neither UTF-8 nor Windows-1252 at byte {error.start}") from error
