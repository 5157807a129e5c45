"""PAQ (Lewis et al. 2021), one JSON object a line: the filtered pairs, their metadata, or the unfiltered metadata.

filtered    {"question", "answer": [text, ...]}
metadata    {"question", "subsets", "answer", "passage_score", "answers": [{"passage_id", "offset", "text",
            "extractor"}, ...]}
unfiltered  as metadata, with "canonical_answer" in the place of "answer", "consistent_subsets" and "consistent"
"""

from collections.abc import Iterator, Mapping
from typing import BinaryIO, Final

from qamat_core.readers.fields import as_object, json_object, list_field, text_field
from qamat_core.readers.lines import BadRecordError
from qamat_core.readers.pairs_lines import bounded_lines, parse_pairs
from qamat_core.readers.pairs_plain import answers_of, id_of, number_of, offset_of, without
from qamat_core.readers.pairs_records import SOURCE, ImportedPair, Span
from qamat_core.text import normalize_answer
from schemas.records import Reject

INCONSISTENT: Final = "inconsistent: PAQ's open-domain reader gave another answer"
"""Why a pair of the unfiltered file is refused; PAQ's own filter leaves these out too."""
UNSCORED: Final = -100.0
"""The score of a pair whose metadata has none: below the log-probabilities of PAQ's passage selector."""


def read_paq(name: str, file: BinaryIO) -> Iterator[ImportedPair | Reject]:
    """Read the pairs of a stream in order, each form of PAQ told from its records; ``name`` stands in their places."""
    return parse_pairs(bounded_lines(name, file), lambda place, text: _pair(place, json_object(text)))


def _pair(place: str, record: Mapping[str, object]) -> ImportedPair:
    question = text_field(record, "question")
    if "answers" not in record:
        answer, *others = answers_of(record.get("answer"), 'field "answer"')
        return ImportedPair(place, question, answer, tuple(others))
    if record.get("consistent") is False:
        raise BadRecordError(INCONSISTENT)
    given = record["answer"] if "answer" in record else record.get("canonical_answer")
    answer, *others = answers_of(given, "the answer")
    spans = _agreeing_first(answer, [_span(as_object(value)) for value in list_field(record, "answers")])
    if spans and _agree(spans[0].text, answer):
        answer, others = spans[0].text, [answer, *others]
    score = record.get("passage_score")
    value = UNSCORED if score is None else number_of(score, 'field "passage_score"')
    return ImportedPair(place, question, answer, without(answer, others), value, spans)


def _span(record: Mapping[str, object]) -> Span:
    extractor = record.get("extractor")
    return Span(
        SOURCE,
        id_of(record.get("passage_id"), 'field "passage_id"'),
        offset_of(record.get("offset"), 'field "offset"'),
        text_field(record, "text"),
        text_field(record, "extractor") if extractor is not None else "",
    )


def _agreeing_first(answer: str, spans: list[Span]) -> tuple[Span, ...]:
    """Put the spans that hold the answer first; else the order stays."""
    return tuple(sorted(spans, key=lambda span: not _agree(span.text, answer)))


def _agree(text: str, answer: str) -> bool:
    return normalize_answer(text) == normalize_answer(answer)
