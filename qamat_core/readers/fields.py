"""Taking typed fields out of parsed JSON; what is not as expected raises ``BadRecordError`` with the reason."""

import json
from collections.abc import Mapping
from typing import IO, Final, cast

from qamat_core.readers.lines import BadFileError, BadRecordError

MAX_JSON_BYTES: Final = 1 << 30


def whole_json(stream: IO[bytes], name: str, *, max_bytes: int = MAX_JSON_BYTES) -> object:
    """Parse a stream that is one JSON value, held in memory as a whole.

    Raises ``BadRecordError`` for what is no JSON in UTF-8 and ``BadFileError`` beyond ``max_bytes``.
    """
    raw = stream.read(max_bytes + 1)
    if len(raw) > max_bytes:
        raise BadFileError(name, f"larger than {max_bytes} bytes: split the file")
    try:
        return cast("object", json.loads(raw.decode("utf-8-sig")))
    except (ValueError, RecursionError) as error:
        raise BadRecordError(f"malformed JSON: {error}") from error


def as_json(value: object) -> str:
    """Write parsed JSON as text, for a reject."""
    try:
        return json.dumps(value, ensure_ascii=False)
    except RecursionError:
        return "a value nested too deep to show"


def json_object(text: str) -> Mapping[str, object]:
    """Parse a JSON object."""
    try:
        value: object = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadRecordError(f"malformed JSON: {error}") from error
    return as_object(value)


def as_object(value: object) -> Mapping[str, object]:
    """Take a value for an object with text keys."""
    if not isinstance(value, dict):
        raise BadRecordError(f"expected an object, found {type(value).__name__}")
    return cast("Mapping[str, object]", value)


def list_field(record: Mapping[str, object], name: str) -> list[object]:
    """Take a field that must be a list."""
    value = record.get(name)
    if not isinstance(value, list):
        raise BadRecordError(f'field "{name}" is missing or no list')
    return cast("list[object]", value)


def text_field(record: Mapping[str, object], name: str) -> str:
    """Take a field that must be text with something in it."""
    return as_text(record.get(name), f'field "{name}"')


def as_text(value: object, what: str) -> str:
    """Take a value for text that is not blank and can be written as UTF-8 (no lone surrogate)."""
    if not isinstance(value, str):
        raise BadRecordError(f"{what} is missing or no text")
    if not value.strip():
        raise BadRecordError(f"{what} is empty")
    return as_utf8(value, what)


def as_utf8(value: str, what: str) -> str:
    """Take text, blank or not, that can be written as UTF-8."""
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise BadRecordError(f"{what} holds a lone surrogate") from error
    return value


def as_answers(values: object) -> tuple[str, ...]:
    """Take a list of one or more answers; repeats are kept once."""
    if not isinstance(values, list) or not values:
        raise BadRecordError("no list of answers")
    return tuple(dict.fromkeys(as_text(value, "an answer") for value in cast("list[object]", values)))
