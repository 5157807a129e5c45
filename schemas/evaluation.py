"""Configuration of evaluation and of the report."""

from typing import Literal

from pydantic import Field, model_validator

from schemas.base import Frozen
from schemas.qamat import EvaluationConfig

MemoryName = Literal["gold", "generated", "imported", "joined", "human", "none"]
"""``joined`` is imported pairs, and generated ones of the passages that these leave uncovered."""

RecallName = Literal["recall", "passage_recall"]
"""The share of questions of which one of the first K entries has a right answer, or one of K passages holds one."""


class Place(Frozen):
    """Where a run's figures stand among all: the columns that a metric's row has besides its value."""

    table: str = Field(
        pattern=r"^(table[1-7]|figure7|integration|speed|claims|ablations|abstention|attribution|human)$"
    )
    row: str
    dataset: str
    split: str
    memory: MemoryName
    model_size: str
    """Of the preset's sizes (``ModelSize``); which preset it is, the report says in its head."""
    k: int | None = None
    """The K that was read; null for a model without memory."""
    x: float | None = None
    """The swept quantity, in percent: for Figure 7 the share of the memory, for Table 7 the pre-training examples."""


class SummaryConfig(Frozen):
    """How runs become figures: one run gives its own, several (one a seed) their mean over seeds."""

    places: tuple[Place, ...] = Field(min_length=1)
    """Every place where the same runs are shown."""
    ks: tuple[int, ...] = (1,)
    """The K of every recall@K row."""
    recall: RecallName = "recall"
    """What these rows are called."""
    seed: int = 0
    """The seed of a single run."""
    resamples: int = Field(default=2000, ge=1)
    """Bootstrap resamples of an interval."""


class OverlapConfig(Frozen):
    """How the overlap of test and training questions is told."""

    threshold: float = Field(default=0.5, gt=0, le=1)
    """The least Jaccard similarity of the words of two questions with a common answer for one to repeat the other."""


class JudgeConfig(Frozen):
    """How the paper's claims are judged."""

    places: tuple[Place, ...] = Field(min_length=1)
    """Where the runs stand that are compared, one place for each row's runs."""
    resamples: int = Field(default=2000, ge=1)
    """Bootstrap resamples of an interval."""
    permutations: int = Field(default=10_000, ge=1)
    """Sign flips of a test."""


class CurveConfig(Frozen):
    """How the training curves of several seeds become figures."""

    place: Place
    """Where they stand; ``x`` becomes the step."""


class Bm25Config(Frozen):
    """The baseline that answers with the entry whose question is BM25's best for the question asked."""

    places: tuple[Place, ...] = Field(min_length=1)
    ks: tuple[int, ...] = (1, 5, 10)
    """The K of every recall@K row; the largest is how many entries are retrieved."""
    seed: int = 0
    """Written to the rows; nothing is random but the resampling."""
    resamples: int = Field(default=2000, ge=1)
    """Bootstrap resamples of an interval."""


class CalibrateConfig(Frozen):
    """How a calibration of confidence is fitted."""

    k: int = Field(ge=1)
    """The K that was read."""
    l2: float = Field(default=1.0, gt=0)
    """Strength of the penalty on the coefficients of standardised signals."""


class AbstentionConfig(Frozen):
    """Where the figures of abstention stand."""

    place: Place
    """``row`` becomes what answers are sorted by."""
    seed: int = 0
    """The seed of a single run."""
    resamples: int = Field(default=500, ge=1)
    """Bootstrap resamples of an interval."""


class AttributionConfig(Frozen):
    """The audit of what answers rest on."""

    place: Place
    """``row`` becomes what was taken out of the memory; ``k`` entries are read."""
    reading: EvaluationConfig
    """How the model answers."""
    questions: int = Field(default=500, ge=1)
    """The questions that are asked, a sample; all where there are no more."""
    seed: int = 0
    """Draws the sample, and the other entry that is taken out to compare with."""
    resamples: int = Field(default=2000, ge=1)
    """Bootstrap resamples of an interval."""

    @model_validator(mode="after")
    def _check(self) -> "AttributionConfig":
        if not self.reading.rounds or self.place.k is None or self.place.k > self.reading.top_k:
            raise ValueError(
                "the audit takes entries out of a memory: give k, at most top_k, and a model that reads one"
            )
        return self


class SpeedConfig(Frozen):
    """How QAMAT and FiD are timed; both answer the same questions with the same T5's shape."""

    place: Place
    """``row`` becomes the system."""
    entries: int = Field(default=32, ge=1)
    """Entries that QAMAT reads (section 5.4)."""
    passages: int = Field(default=100, ge=1)
    """Passages that FiD reads."""
    passage_length: int = Field(default=200, gt=1)
    """Pieces of each, with the question; all of them count, filled or not."""
    questions: int = Field(default=8, ge=1)
    """Questions of a round, answered at a time."""
    rounds: int = Field(default=12, ge=2)
    """Rounds in which both are timed."""
    resamples: int = Field(default=2000, ge=1)
    """Bootstrap resamples of an interval, of rounds."""


class AuditConfig(Frozen):
    """Where the audit of a generated memory stands."""

    row: str = "Generated"
    dataset: str = "world"
    split: str = "test"
    model_size: str
    open_domain_k: int = Field(default=10, ge=1)
    """The passages that the open-domain filter read for a question, where its verdicts are audited too."""
    seed: int = 0
    resamples: int = Field(default=2000, ge=1)
    """Bootstrap resamples of an interval."""


class ReportConfig(Frozen):
    """What the report says of itself, and how much it shows."""

    title: str = "QAMAT, reproduced"
    preset: str
    rerun: str
    """The command that makes this report again."""
    tables: tuple[str, ...] = ()
    """The tables that it is about, with the claims that compare rows of them; none for all."""
    reruns: dict[str, str] = Field(default_factory=dict)
    """Table -> the command that makes its cells again."""
    start: str = "random weights"
    """What the models start from, in words."""
    sizes: dict[str, str] = Field(default_factory=dict)
    """Size of a model, as the tables name it -> its shape, in words."""
    aids: tuple[str, ...] = ()
    """What the models had that the paper's have not."""
    questions: int = Field(default=10, ge=0)
    """Questions shown with the entries that answered them."""
    entries: int = Field(default=5, ge=1)
    """Entries shown a question."""
    attributions: int = Field(default=8, ge=0)
    """Answers shown with what became of them without the entry that they rested on."""
