"""Plain pairs: JSON lines or tab-separated columns, with the same fields.

    question   text
    answer     text; in JSONL also a list, whose first is the answer and whose others are aliases
    aliases    optional; other forms of the answer: in JSONL a list, in TSV separated by |
    source_id  optional; the passage's id in its source (JSONL: text or number)
    source     optional; the passage's source, psgs_w100 where there is an id alone
    start      optional; the 0-based character at which the answer stands in the passage
    score      optional; the higher, the better (0 where there is none)

TSV is quoted as in CSV and has a header line that names its columns, in any order.
"""

import math
from collections.abc import Iterator, Mapping
from typing import BinaryIO, Final, cast

from qamat_core.readers.dpr_passages import split_tsv
from qamat_core.readers.fields import as_answers, as_text, json_object, text_field
from qamat_core.readers.lines import BadRecordError
from qamat_core.readers.pairs_lines import bounded_lines, parse_pairs
from qamat_core.readers.pairs_records import SOURCE, ImportedPair, Span
from schemas.errors import InputError
from schemas.records import Reject

COLUMNS: Final = ("question", "answer", "aliases", "source_id", "source", "start", "score")
_LARGEST: Final = 2**31 - 1


def read_jsonl_pairs(name: str, file: BinaryIO) -> Iterator[ImportedPair | Reject]:
    """Read the pairs of a JSONL stream in order; ``name`` stands in their places."""
    return parse_pairs(bounded_lines(name, file), lambda place, text: plain_pair(place, json_object(text)))


def read_tsv_pairs(name: str, file: BinaryIO) -> Iterator[ImportedPair | Reject]:
    """Read the pairs of a TSV stream in order.

    Raises:
        InputError: the first line does not name the columns.
    """
    lines = bounded_lines(name, file)
    header = next((line.preview().split("\t") for line in lines), [])
    if not {"question", "answer"} <= set(header) <= set(COLUMNS) or len(set(header)) != len(header):
        raise InputError(f"{name}: the first line does not name the columns: question, answer, of {', '.join(COLUMNS)}")
    return parse_pairs(lines, lambda place, text: plain_pair(place, _fields(header, text)))


def plain_pair(place: str, record: Mapping[str, object]) -> ImportedPair:
    """Make a pair of a record with the fields above. Raises ``BadRecordError`` for one that cannot be used."""
    question = text_field(record, "question")
    answer, *others = answers_of(record.get("answer"), 'field "answer"')
    more = record.get("aliases")
    aliases = [*others, *(as_answers(more) if more else ())]
    spans = ()
    if record.get("source_id") is not None:
        source = as_text(record.get("source", SOURCE), 'field "source"')
        spans = (Span(source, id_of(record["source_id"], 'field "source_id"'), _start(record), answer),)
    return ImportedPair(place, question, answer, without(answer, aliases), _score(record), spans)


def answers_of(value: object, what: str) -> tuple[str, ...]:
    """Take an answer, or a list of one or more."""
    return (as_text(value, what),) if isinstance(value, str) else as_answers(value)


def without(answer: str, aliases: list[str]) -> tuple[str, ...]:
    """Return the aliases, each once, that are not the answer itself."""
    return tuple(alias for alias in dict.fromkeys(aliases) if alias != answer)


def id_of(value: object, what: str) -> str:
    """Take an id that is text or a whole number."""
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return as_text(str(value) if is_number else value, what)


def offset_of(value: object, what: str) -> int:
    """Take a 0-based position."""
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _LARGEST:
        raise BadRecordError(f"{what} is no whole number of 0 or more")
    return value


def number_of(value: object, what: str) -> float:
    """Take a finite number, or text of one."""
    try:
        number = float(cast("float", value)) if not isinstance(value, bool) else math.nan
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number) or abs(number) > 3e38:
        raise BadRecordError(f"{what} is no number")
    return number


def _start(record: Mapping[str, object]) -> int | None:
    start = record.get("start")
    return None if start is None else offset_of(start, 'field "start"')


def _score(record: Mapping[str, object]) -> float:
    score = record.get("score")
    return 0.0 if score is None else number_of(score, 'field "score"')


def _fields(header: list[str], line: str) -> Mapping[str, object]:
    """Return the columns of a line by name; an empty column is left out."""
    fields: dict[str, object] = {
        name: value for name, value in zip(header, split_tsv(line, len(header)), strict=True) if value.strip()
    }
    if "aliases" in fields:
        fields["aliases"] = [alias.strip() for alias in str(fields["aliases"]).split("|") if alias.strip()]
    if "start" in fields:
        text = str(fields["start"]).strip()
        fields["start"] = int(text) if text.isascii() and text.isdigit() and len(text) < 11 else text
    return fields
