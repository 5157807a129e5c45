"""Plain passages: one JSON object a line, ``{"id"?: text or number, "title"?: text, "text": text}``."""

from collections.abc import Iterator, Mapping
from typing import IO

from qamat_core.readers.fields import as_text, as_utf8, json_object, text_field
from qamat_core.readers.lines import MAX_LINE_BYTES, BadRecordError, Distinct, parse_lines
from schemas.records import Passage, Reject
from schemas.tables import stable_id


def read_jsonl_passages(
    stream: IO[bytes], name: str, source: str = "jsonl", *, max_line_bytes: int = MAX_LINE_BYTES
) -> Iterator[Passage | Reject]:
    """Read the passages in file order; one without an id gets a hash of its title and text as id."""

    ids = Distinct()

    def parse(line: str) -> Passage:
        record = json_object(line)
        text, title = text_field(record, "text"), _title(record)
        source_id = _source_id(record, title, text)
        ids.check(source_id)
        return Passage.of(source, source_id, title, text)

    return parse_lines(stream, name, parse, max_line_bytes=max_line_bytes)


def _title(record: Mapping[str, object]) -> str:
    title = record.get("title")
    if title is not None and not isinstance(title, str):
        raise BadRecordError('field "title" is no text')
    return as_utf8(title or "", 'field "title"')


def _source_id(record: Mapping[str, object], title: str, text: str) -> str:
    given = record.get("id")
    if given is None:
        return stable_id(title, text)
    is_number = isinstance(given, int) and not isinstance(given, bool)
    return as_text(str(given) if is_number else given, 'field "id"')
