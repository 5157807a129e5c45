"""Questions by tabs: DPR's ``*.qa.csv`` (a Python list of answers; quoted as in CSV) and plain TSV (one answer)."""

import ast
import warnings
from collections.abc import Iterator
from typing import IO

from qamat_core.readers.dpr_passages import split_tsv
from qamat_core.readers.examples import Examples
from qamat_core.readers.fields import as_answers, as_text
from qamat_core.readers.lines import MAX_LINE_BYTES, BadRecordError, parse_lines
from schemas.records import QAExample, Reject


def read_dpr_questions(
    stream: IO[bytes], name: str, dataset: str, split: str, *, max_line_bytes: int = MAX_LINE_BYTES
) -> Iterator[QAExample | Reject]:
    """Read the questions in file order as examples of ``dataset`` and ``split``; nothing in the file is run."""

    examples = Examples(dataset, split)

    def parse(line: str) -> QAExample:
        question, answers = split_tsv(line, 2)
        return examples.make(as_text(question, "the question"), as_answers(_literal(answers)))

    return parse_lines(stream, name, parse, max_line_bytes=max_line_bytes)


def read_tsv_questions(
    stream: IO[bytes], name: str, dataset: str, split: str, *, max_line_bytes: int = MAX_LINE_BYTES
) -> Iterator[QAExample | Reject]:
    """Read lines of a question, a tab and its one answer as it stands, such as CuratedTREC's regular expressions."""

    examples = Examples(dataset, split)

    def parse(line: str) -> QAExample:
        columns = line.split("\t")
        if len(columns) != 2:
            raise BadRecordError(f"{len(columns)} columns where 2 are expected")
        question, answer = columns
        return examples.make(as_text(question, "the question").strip(), (as_text(answer, "the answer").strip(),))

    return parse_lines(stream, name, parse, header="question\tanswer", max_line_bytes=max_line_bytes)


def _literal(text: str) -> object:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            warnings.simplefilter("ignore", DeprecationWarning)
            return ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError) as error:
        reason = str(error).partition(": <")[0]  # what follows is an address in memory
        raise BadRecordError(f"the answers are no Python list: {reason}") from error
