"""DPR's Wikipedia passages, ``psgs_w100.tsv``: id, text, title, separated by tabs and quoted as in CSV."""

import csv
from collections.abc import Iterator
from typing import IO, Final

from qamat_core.readers.fields import as_text
from qamat_core.readers.lines import MAX_LINE_BYTES, BadRecordError, Distinct, parse_lines
from schemas.records import Passage, Reject

_COLUMNS: Final = ("id", "text", "title")


def read_dpr_passages(
    stream: IO[bytes], name: str, source: str = "psgs_w100", *, max_line_bytes: int = MAX_LINE_BYTES
) -> Iterator[Passage | Reject]:
    """Read the passages in file order; the header line may be absent."""

    ids = Distinct()

    def parse(line: str) -> Passage:
        columns = split_tsv(line, len(_COLUMNS))
        source_id, text, title = (
            as_text(value, f'column "{column}"') if column != "title" else value
            for column, value in zip(_COLUMNS, columns, strict=True)
        )
        ids.check(source_id)
        return Passage.of(source, source_id, title, text)

    return parse_lines(stream, name, parse, header="\t".join(_COLUMNS), max_line_bytes=max_line_bytes)


def split_tsv(line: str, columns: int) -> list[str]:
    """Split one line of tab-separated, CSV-quoted columns; raises ``BadRecordError`` for another number of them."""
    try:
        values = next(csv.reader([line], delimiter="\t"), [])
    except csv.Error as error:
        raise BadRecordError(f"malformed columns: {error}") from error
    if len(values) != columns:
        raise BadRecordError(f"{len(values)} columns where {columns} are expected")
    return values
