"""NQ-open questions: one JSON object a line, ``{"question": text, "answer": [text, ...]}``."""

from collections.abc import Iterator
from typing import IO

from qamat_core.readers.examples import Examples
from qamat_core.readers.fields import as_answers, json_object, text_field
from qamat_core.readers.lines import MAX_LINE_BYTES, parse_lines
from schemas.records import QAExample, Reject


def read_nq_open(
    stream: IO[bytes], name: str, dataset: str, split: str, *, max_line_bytes: int = MAX_LINE_BYTES
) -> Iterator[QAExample | Reject]:
    """Read the questions in file order as examples of ``dataset`` and ``split``."""

    examples = Examples(dataset, split)

    def parse(line: str) -> QAExample:
        record = json_object(line)
        return examples.make(text_field(record, "question"), as_answers(record.get("answer")))

    return parse_lines(stream, name, parse, max_line_bytes=max_line_bytes)
