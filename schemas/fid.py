"""Configuration of Fusion-in-Decoder (Izacard and Grave 2021), which reads passages where QAMAT reads entries."""

from typing import Final

from pydantic import Field, model_validator

from schemas.base import Frozen
from schemas.model import T5Config

SENTINELS: Final = 100
"""Marks that T5's vocabulary has."""


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
    rank_marks: bool = False
    """Write the rank r of a passage in front of its input, as ``<extra_id_(99-r)>``. An aid for small models trained
    from scratch, as ``QamatConfig.rank_marks`` is for entries; in neither paper, where no order is told."""

    @model_validator(mode="after")
    def _check(self) -> "Reading":
        if self.question_length + self.rank_marks >= self.passage_length:
            raise ValueError(
                f"question_length {self.question_length} leaves nothing of {self.passage_length} pieces: lower it"
            )
        if self.rank_marks and self.passages > SENTINELS:
            raise ValueError(
                f"{self.passages} passages, {SENTINELS} marks of ranks: read fewer, or leave the marks out"
            )
        return self


class FidConfig(Reading):
    """The shape of a FiD: a T5, and how much it reads."""

    t5: T5Config
