"""Configuration of memories that people wrote."""

from pydantic import Field

from schemas.base import Frozen


class GatherConfig(Frozen):
    """How pairs of several sources become one memory: one a normalised question."""

    shard_rows: int = Field(default=16384, ge=1)


class QuestionExamplesConfig(Frozen):
    """How pre-training examples are made of a memory without passages: a question asks for pairs with its answer."""

    seed: int = 0
    neighbours: int = Field(default=32, ge=1)
    """Pairs that BM25 finds nearest to a question, other than the question itself."""
    positives_per_pair: int = Field(default=4, ge=1)
    """At most so many of them with its answer, each the positive of an example."""
    negatives_per_example: int = Field(default=7, ge=0)
    """At most so many of them with another answer, hardest first."""
    dropped: float = Field(default=0.4, gt=0, lt=1)
    """Share of the words that is left out of a question which has no such neighbour and has to find its own pair."""
    k1: float = Field(default=0.9, ge=0)
    b: float = Field(default=0.4, ge=0, le=1)
