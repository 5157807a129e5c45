"""Questions, one a line, -> answers, one JSON object a line, in the same order; what cannot be asked says why."""

import json
from collections.abc import Iterator
from itertools import islice
from typing import IO, Final, NamedTuple

from pydantic import TypeAdapter, ValidationError

from qamat_core.readers.lines import Line, read_lines
from schemas.answers import Answer, Asked, first_fault
from schemas.errors import InputError, MissingArtifactError
from schemas.records import Reject
from tasks.answering import Engine

MAX_LINE_BYTES: Final = 1 << 16


class _AskedLine(Asked):
    """A question with an id, which comes back with its answer."""

    id: str | int | None = None


_PLAIN: Final = TypeAdapter(str)


class Told(NamedTuple):
    """What became of a line: the JSON that is written, and whether it is an answer."""

    text: str
    answered: bool


class _Read(NamedTuple):
    number: int
    asked: _AskedLine | None
    error: str


def answer_lines(stream: IO[bytes], engine: Engine, rows: int) -> Iterator[Told]:
    """Answer the questions of a stream; lines that are blank are passed over.

    Args:
        stream: JSON strings, or objects of an ``Asked`` with an ``id``.
        engine: who answers.
        rows: lines that are read before they are answered together.
    """
    every = read_lines(stream, "line", max_line_bytes=MAX_LINE_BYTES)
    while lines := list(islice(every, rows)):
        read = [_read(line, engine) for line in lines]
        answers = iter(engine.answer([one.asked for one in read if one.asked is not None]))
        for one in read:
            yield _refused(one) if one.asked is None else _answered(one.number, one.asked, next(answers))


def _read(line: Line | Reject, engine: Engine) -> _Read:
    number = int(line.source.rpartition(":")[2])
    if isinstance(line, Reject):
        return _Read(number, None, line.reason)
    try:
        plain = line.text.lstrip().startswith('"')
        asked = (
            _AskedLine(question=_PLAIN.validate_json(line.text)) if plain else _AskedLine.model_validate_json(line.text)
        )
        engine.check(asked)
    except ValidationError as error:
        return _Read(number, None, first_fault(error))
    except (InputError, MissingArtifactError) as error:
        return _Read(number, None, str(error))
    return _Read(number, asked, "")


def _answered(number: int, asked: _AskedLine, answer: Answer) -> Told:
    own = {"line": number} if asked.id is None else {"line": number, "id": asked.id}
    return Told(json.dumps({**own, **answer.model_dump(mode="json")}, ensure_ascii=False), answered=True)


def _refused(read: _Read) -> Told:
    return Told(json.dumps({"line": read.number, "error": read.error}, ensure_ascii=False), answered=False)
