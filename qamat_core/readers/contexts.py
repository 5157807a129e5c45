"""The paragraphs that stand with the questions of HotpotQA (official JSON) and MuSiQue (official JSONL), as passages.

A paragraph that stands under several questions is a passage once; the others are rejects with the reason ``REPEATED``.
A reject's source names its place: ``name:[3].context[1]`` or ``name:4.paragraphs[1]``.
"""

from collections.abc import Callable, Iterator
from typing import IO, Final, cast

from qamat_core.readers.fields import (
    MAX_JSON_BYTES,
    as_json,
    as_object,
    as_text,
    as_utf8,
    json_object,
    list_field,
    text_field,
    whole_json,
)
from qamat_core.readers.lines import MAX_LINE_BYTES, BadFileError, BadRecordError, read_lines, reject
from schemas.records import Passage, Reject
from schemas.tables import stable_id

REPEATED: Final = "repeated: the same paragraph stands under an earlier question"
"""The reason of a paragraph that was read before; it is expected and no fault of the file."""

Item = Passage | Reject


def read_hotpotqa(
    stream: IO[bytes], name: str, source: str = "hotpotqa", *, max_bytes: int = MAX_JSON_BYTES
) -> Iterator[Item]:
    """Read ``context``, pairs of title and sentences; the title is the source id, as in the supporting facts.

    Holds the JSON in memory. Raises ``BadFileError`` for a file that is larger than ``max_bytes`` or no JSON list.
    """
    seen: set[str] = set()
    for number, record in enumerate(_records(stream, name, max_bytes)):
        place = f"{name}:[{number}]"
        try:
            paragraphs = _paragraphs(record, "context")
        except BadRecordError as error:
            yield reject(place, as_json(record), str(error))
        else:
            yield from _distinct(paragraphs, f"{place}.context", lambda value: _hotpotqa(value, source), seen)


def read_musique(
    stream: IO[bytes], name: str, source: str = "musique", *, max_line_bytes: int = MAX_LINE_BYTES
) -> Iterator[Item]:
    """Read ``paragraphs``; the source id is a hash of title and text, for MuSiQue gives paragraphs no id."""
    seen: set[str] = set()
    for line in read_lines(stream, name, max_line_bytes=max_line_bytes):
        if isinstance(line, Reject):
            yield line
            continue
        try:
            paragraphs = _paragraphs(json_object(line.text), "paragraphs")
        except BadRecordError as error:
            yield reject(line.source, line.text, str(error))
        else:
            yield from _distinct(paragraphs, f"{line.source}.paragraphs", lambda value: _musique(value, source), seen)


def _records(stream: IO[bytes], name: str, max_bytes: int) -> list[object]:
    try:
        value = whole_json(stream, name, max_bytes=max_bytes)
        if not isinstance(value, list):
            raise BadRecordError(f"expected a list, found {type(value).__name__}")
    except BadRecordError as error:
        raise BadFileError(name, f"no HotpotQA JSON ({error}): give hotpot_train_v1.1.json or its like") from error
    return cast("list[object]", value)


def _paragraphs(record: object, field: str) -> list[object]:
    paragraphs = list_field(as_object(record), field)
    if not paragraphs:
        raise BadRecordError(f'field "{field}" is empty')
    return paragraphs


def _distinct(
    values: list[object], place: str, parse: Callable[[object], Passage], seen: set[str]
) -> Iterator[Passage | Reject]:
    for index, value in enumerate(values):
        source = f"{place}[{index}]"
        try:
            passage = parse(value)
        except BadRecordError as error:
            yield reject(source, as_json(value), str(error))
            continue
        if passage.passage_id in seen:
            yield reject(source, passage.title, REPEATED)
        else:
            seen.add(passage.passage_id)
            yield passage


def _hotpotqa(value: object, source: str) -> Passage:
    pair = cast("list[object]", value) if isinstance(value, list) else []
    if len(pair) != 2 or not isinstance(pair[1], list):
        raise BadRecordError("no pair of a title and a list of sentences")
    title = as_text(pair[0], "the title")
    sentences = cast("list[object]", pair[1])
    if not all(isinstance(sentence, str) for sentence in sentences):
        raise BadRecordError("a sentence is no text")
    text = as_text("".join(cast("list[str]", sentences)), "the paragraph").strip()
    return Passage.of(source, title, title, text)


def _musique(value: object, source: str) -> Passage:
    record = as_object(value)
    title, text = as_utf8(text_field(record, "title"), "the title"), text_field(record, "paragraph_text").strip()
    return Passage.of(source, stable_id(title, text), title, text)
