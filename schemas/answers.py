"""Questions and answers: what the engine, the command line, the HTTP API and its page exchange."""

from typing import Annotated, Final

from pydantic import AfterValidator, Field, ValidationError

from schemas.base import Frozen
from schemas.errors import InputError

MAX_QUESTION: Final = 2000
"""Characters of the longest question that is answered."""
MAX_WITHOUT: Final = 64
"""Entries that one question can take out."""


def _at_most(ids: tuple[str, ...]) -> tuple[str, ...]:
    if len(ids) > MAX_WITHOUT:
        raise ValueError(f"{len(ids)} entries are taken out: at most {MAX_WITHOUT} can be")
    return tuple(dict.fromkeys(ids))


def first_fault(error: ValidationError) -> str:
    """Return the first fault that was found, in one line, without what was given."""
    fault = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(map(str, fault["loc"]))
    return f"{place}: {fault['msg']}" if place else fault["msg"]


def _unicode(text: str) -> str:
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueError("half a surrogate pair is no character: give Unicode text")
    return text


Unicode = Annotated[str, AfterValidator(_unicode)]
"""Text that can be encoded."""


class Asked(Frozen):
    """A question and how it is to be answered."""

    question: Unicode = Field(description=f"1 to {MAX_QUESTION} characters.")
    top_k: int | None = Field(default=None, strict=True, description="Read so many entries; null: the usual number.")
    without: Annotated[tuple[str, ...], AfterValidator(_at_most)] = Field(
        default=(), description="qa_id of entries that are taken out of the memory for this question."
    )
    min_confidence: float | None = Field(
        default=None, ge=0, le=1, allow_inf_nan=False, description="Abstain below this; null: the usual threshold."
    )

    def check(self) -> None:
        """Refuse a question that is empty or too long.

        Raises:
            InputError: it is.
        """
        length = len(self.question.strip())
        if not 1 <= length <= MAX_QUESTION:
            raise InputError(f"a question has 1 to {MAX_QUESTION} characters, this one {length}: ask another")


class Entry(Frozen):
    """An entry of a memory: a question-answer pair, who wrote it, and the passage that it came from."""

    qa_id: str
    question: str
    answer: str
    origin: str
    """What brought it into the memory: gold, generated, or the name of imported pairs."""
    generator: str | None
    """Who wrote it; null where that is not known."""
    title: str | None
    passage: str | None
    span: tuple[int, int] | None
    """Where the answer stands in the passage, in characters (Unicode code points); null where that is not known."""


class Evidence(Entry):
    """An entry that was read."""

    weight: float
    """p(m|X), its share among all that were read."""


class Versions(Frozen):
    """What answered, each as KIND/NAME@VERSION."""

    checkpoint: str
    tokenizer: str
    index: str
    memory: str
    bundle: str | None = Field(default=None, exclude_if=lambda value: value is None)
    """Of which they are parts; left out where they were named one by one."""


class Answer(Frozen):
    """What was answered, how sure of it the model is, and from what."""

    question: str
    answer: str | None
    """Null where the model abstains."""
    candidate: str
    """The answer, or what it would have been."""
    confidence: float
    """Between 0 and 1."""
    confidence_from: str
    """What the confidence is made of."""
    abstained: bool
    sum_logprob: float
    """Log-probability of the answer's tokens under the decoder."""
    evidence: tuple[Evidence, ...]
    """The entries that were read, best first."""
    without: tuple[str, ...]
    """The entries that were taken out."""
    versions: Versions
