"""Typed records: one row of a table, before it is a column of a batch."""

from dataclasses import dataclass

from schemas.tables import ID_COLUMNS, stable_id


def _row_id(table: str, **columns: object) -> str:
    return stable_id(*(columns[name] for name in ID_COLUMNS[table][1]))


@dataclass(frozen=True, slots=True)
class Passage:
    """One row of ``passages``: a titled piece of text and where it came from."""

    passage_id: str
    source: str
    source_id: str
    title: str
    text: str

    @classmethod
    def of(cls, source: str, source_id: str, title: str, text: str) -> "Passage":
        """Make a passage with its stable id."""
        return cls(_row_id("passages", source=source, source_id=source_id, text=text), source, source_id, title, text)


@dataclass(frozen=True, slots=True)
class Annotation:
    """One row of ``annotations``: a question on a passage; ``answers[0]`` stands in its text at ``start``."""

    annotation_id: str
    passage_id: str
    question: str
    answers: tuple[str, ...]
    start: int

    @classmethod
    def of(cls, passage_id: str, question: str, answers: tuple[str, ...], start: int) -> "Annotation":
        """Make an annotation with its stable id; ``start`` counts characters from 0."""
        annotation_id = _row_id("annotations", passage_id=passage_id, question=question, start=start)
        return cls(annotation_id, passage_id, question, answers, start)


@dataclass(frozen=True, slots=True)
class QAExample:
    """One row of ``qa_examples``: a question of a data set and the answers that count as right."""

    example_id: str
    question: str
    answers: tuple[str, ...]
    dataset: str
    split: str

    @classmethod
    def of(cls, question: str, answers: tuple[str, ...], dataset: str, split: str) -> "QAExample":
        """Make an example with its stable id."""
        example_id = _row_id("qa_examples", dataset=dataset, split=split, question=question)
        return cls(example_id, question, answers, dataset, split)


@dataclass(frozen=True, slots=True)
class Reject:
    """One row of ``rejects``: where a record stood (``path:line``), its beginning, and why it was refused."""

    source: str
    record: str
    reason: str
