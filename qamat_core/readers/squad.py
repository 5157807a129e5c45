"""SQuAD JSON, 1.1 and 2.0: articles with paragraphs, each with questions and the spans that answer them.

A paragraph gives a passage, a question an annotation. A file that is no JSON at all is a ``BadFileError``; a
paragraph or question that cannot be used is a reject, whose source names its place in the file:
``name:data[0].paragraphs[3].qas[1]``.
"""

from collections.abc import Iterator, Mapping
from typing import IO, Final

from qamat_core.readers.examples import Examples
from qamat_core.readers.fields import MAX_JSON_BYTES, as_json, as_object, as_utf8, list_field, text_field, whole_json
from qamat_core.readers.lines import BadFileError, BadRecordError, Distinct, reject
from schemas.records import Annotation, Passage, QAExample, Reject

UNANSWERABLE: Final = "unanswerable: the data set gives no answer"
"""The reason of SQuAD 2.0's questions without an answer; they are expected and no fault of the file."""

Item = Passage | Annotation | Reject


def read_squad(
    stream: IO[bytes], name: str, source: str = "squad", *, max_bytes: int = MAX_JSON_BYTES
) -> Iterator[Item]:
    """Read paragraph by paragraph: the passage, then its annotations. Holds the file's JSON in memory.

    Raises ``BadFileError`` for a file that is larger than ``max_bytes`` or holds no SQuAD JSON.
    """
    ids = Distinct()
    for number, article in enumerate(_articles(stream, name, max_bytes)):
        place = f"{name}:data[{number}]"
        try:
            fields = as_object(article)
            paragraphs = list_field(fields, "paragraphs")
            title = as_utf8(str(fields.get("title") or ""), "the title").replace("_", " ")
        except BadRecordError as error:
            yield _reject(place, article, error)
            continue
        for index, paragraph in enumerate(paragraphs):
            yield from _read_paragraph(paragraph, f"{place}.paragraphs[{index}]", source, title, index, ids)


def read_squad_passages(stream: IO[bytes], name: str, source: str = "squad") -> Iterator[Passage | Reject]:
    """Read the passages alone, and the rejects of articles and paragraphs."""
    for item in read_squad(stream, name, source):
        if isinstance(item, Passage) or (isinstance(item, Reject) and ".qas[" not in item.source):
            yield item


def read_squad_questions(stream: IO[bytes], name: str, dataset: str, split: str) -> Iterator[QAExample | Reject]:
    """Read the questions alone, to be answered without their paragraph; one that stands twice is read once."""
    examples = Examples(dataset, split)
    for item in read_squad(stream, name):
        if isinstance(item, Reject):
            yield item
        elif isinstance(item, Annotation):
            try:
                yield examples.make(item.question, item.answers)
            except BadRecordError as error:
                yield reject(f"{name}:{item.annotation_id}", item.question, str(error))


def _articles(stream: IO[bytes], name: str, max_bytes: int) -> list[object]:
    try:
        return list_field(as_object(whole_json(stream, name, max_bytes=max_bytes)), "data")
    except BadRecordError as error:
        raise BadFileError(name, f"no SQuAD JSON ({error}): give a file in the form of train-v1.1.json") from error


def _read_paragraph(value: object, place: str, source: str, title: str, index: int, ids: Distinct) -> Iterator[Item]:
    questions: list[object] = []
    try:
        paragraph = as_object(value)
        questions = list_field(paragraph, "qas")
        passage = Passage.of(source, f"{title}/{index}", title, text_field(paragraph, "context"))
        ids.check(passage.passage_id)
    except BadRecordError as error:
        yield _reject(place, value, error)
        lost = BadRecordError(f"its passage was rejected: {error}")
        yield from (_reject(f"{place}.qas[{number}]", question, lost) for number, question in enumerate(questions))
    else:
        yield passage
        for number, question in enumerate(questions):
            yield _read_question(question, f"{place}.qas[{number}]", passage, ids)


def _read_question(value: object, place: str, passage: Passage, ids: Distinct) -> Annotation | Reject:
    try:
        annotation = _annotation(as_object(value), passage)
        ids.check(annotation.annotation_id)
    except BadRecordError as error:
        return _reject(place, value, error)
    return annotation


def _annotation(record: Mapping[str, object], passage: Passage) -> Annotation:
    question = text_field(record, "question").strip()
    spans = [] if record.get("is_impossible") is True else list_field(record, "answers")
    if not spans:
        raise BadRecordError(UNANSWERABLE)
    found = [_span(as_object(span), passage.text) for span in spans]
    answers = tuple(dict.fromkeys(text for text, _ in found))
    return Annotation.of(passage.passage_id, question, answers, found[0][1])


def _span(record: Mapping[str, object], text: str) -> tuple[str, int]:
    answer, start = text_field(record, "text"), record.get("answer_start")
    if not isinstance(start, int) or isinstance(start, bool):
        raise BadRecordError('field "answer_start" is missing or no number')
    if start < 0 or not text.startswith(answer, start):
        raise BadRecordError(f"the answer is not in its passage at answer_start {start}")
    return answer, start


def _reject(place: str, value: object, error: BadRecordError) -> Reject:
    return reject(place, as_json(value), str(error))
