"""What readers of question-answer corpora give: pairs, with the spans of passages that they came from."""

from dataclasses import dataclass

from schemas.tables import stable_id

SOURCE = "psgs_w100"
"""The passages that PAQ's ids name, and that an id without a source is taken for."""


@dataclass(frozen=True, slots=True)
class Span:
    """Where an answer stands: a passage by its source's own id, and the 0-based character (None: not known)."""

    source: str
    source_id: str
    start: int | None
    text: str
    extractor: str = ""


@dataclass(frozen=True, slots=True)
class ImportedPair:
    """A pair of an imported corpus; ``spans[0]``, where there is one, is the answer span that it stands for.

    ``place`` is the file and line that it was read from.
    """

    place: str
    question: str
    answer: str
    aliases: tuple[str, ...] = ()
    score: float = 0.0
    spans: tuple[Span, ...] = ()

    def qa_id(self, origin: str) -> str:
        """Return the stable id: a hash of origin, question, answer and answer span."""
        span = self.spans[0] if self.spans else None
        where = (span.source, span.source_id, span.start) if span else ()
        return stable_id(origin, self.question, self.answer, *where)
