"""Configuration of Fusion-in-Decoder (Izacard and Grave 2021), which reads passages where QAMAT reads entries."""

from pydantic import Field, model_validator

from schemas.base import Frozen
from schemas.model import T5Config


class Reading(Frozen):
    """How much of its passages a question is answered from; the defaults are those of the paper's base model."""

    passages: int = Field(default=100, gt=0)
    """Passages that a question is answered from, best first."""
    passage_length: int = Field(default=200, gt=1)
    """Pieces of an input: question, title and passage, with the end token (250 in FiD's paper, 200 in QAMAT's)."""
    question_length: int = Field(default=40, gt=0)
    """Pieces of it that the question may take; not given by either paper."""
    target_length: int = Field(default=32, gt=0)
    """Pieces of an answer with its end token."""

    @model_validator(mode="after")
    def _check(self) -> "Reading":
        if self.question_length >= self.passage_length:
            raise ValueError(
                f"question_length {self.question_length} leaves nothing of {self.passage_length} pieces: lower it"
            )
        return self


class FidConfig(Reading):
    """The shape of a FiD: a T5, and how much it reads."""

    t5: T5Config
