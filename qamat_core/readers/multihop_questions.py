"""The questions of HotpotQA (a JSON list: distractor, full-wiki or simplified) and of MuSiQue (JSONL, or a list).

The paragraphs that stand with them are another reader's (``contexts``). Of data set ``musique-2hop`` only the questions
of two hops are examples: those whose id begins with 2hop.
"""

from collections.abc import Iterator, Mapping
from typing import IO, Final

from qamat_core.readers.examples import Examples
from qamat_core.readers.fields import as_answers, json_object, list_field, text_field
from qamat_core.readers.json_questions import JsonForm
from qamat_core.readers.lines import MAX_LINE_BYTES, BadRecordError, parse_lines
from qamat_core.readers.squad import UNANSWERABLE
from schemas.datasets import TWO_HOP
from schemas.records import QAExample, Reject

MORE_HOPS: Final = "not of two hops: its id does not begin with 2hop"
"""The reason of MuSiQue's other questions where only those of two hops are wanted; they are no fault of the file."""


def read_musique_questions(
    stream: IO[bytes], name: str, dataset: str, split: str, *, max_line_bytes: int = MAX_LINE_BYTES
) -> Iterator[QAExample | Reject]:
    """Read the questions of MuSiQue's official JSONL in file order."""
    examples, form = Examples(dataset, split), multihop_form(dataset)

    def parse(line: str) -> QAExample:
        return examples.make(*form.parse(json_object(line)))

    return parse_lines(stream, name, parse, max_line_bytes=max_line_bytes)


def multihop_form(dataset: str) -> JsonForm:
    """Return how records of ``question``, ``answer`` and ``answer_aliases`` are read for a data set."""
    parse = _two_hops if dataset == TWO_HOP else _parse
    return JsonForm(parse, "list of questions in JSON: give HotpotQA's, MuSiQue's or WebQuestions'")


def _two_hops(record: Mapping[str, object]) -> tuple[str, tuple[str, ...]]:
    if not text_field(record, "id").startswith("2hop"):
        raise BadRecordError(MORE_HOPS)
    return _parse(record)


def _parse(record: Mapping[str, object]) -> tuple[str, tuple[str, ...]]:
    question = text_field(record, "question").strip()
    if record.get("answerable") is False:
        raise BadRecordError(UNANSWERABLE)
    aliases = list_field(record, "answer_aliases") if "answer_aliases" in record else []
    return question, as_answers([text_field(record, "answer"), *aliases])
