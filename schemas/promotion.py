"""Promotion: what a bundle has to reach, alone and beside the one that is in use, and what the gate says of it."""

from typing import Literal

from pydantic import Field

from schemas.artifacts import ArtifactRef
from schemas.base import Frozen
from schemas.order_forms import Form

Figure = Literal["questions", "em", "recall", "auroc", "leakage", "speed", "relative_speed"]


class Thresholds(Form):
    """What a candidate has to reach. Drops and rises are against the champion; without one they count for nothing."""

    min_questions: int = Field(default=50, ge=1, title="Least number of questions")
    """Fewer questions tell nothing."""
    min_em: float = Field(default=1.0, ge=0, le=100, title="Least exact match")
    """In percent of the questions. The default keeps out what is right about nothing: give what you need."""
    max_em_drop: float = Field(default=1.0, ge=0, le=100, title="Largest drop of exact match")
    """In points below the champion's."""
    min_recall: float = Field(default=1.0, ge=0, le=100, title="Least recall@K")
    """In percent of the questions; K is the gate's recall_at."""
    max_recall_drop: float = Field(default=2.0, ge=0, le=100, title="Largest drop of recall@K")
    """In points below the champion's."""
    min_auroc: float = Field(default=50.0, ge=0, le=100, title="Least AUROC of abstention")
    """How often a right answer is surer than a wrong one, in percent; 50 is chance."""
    max_auroc_drop: float = Field(default=3.0, ge=0, le=100, title="Largest drop of AUROC")
    """In points below the champion's."""
    max_leakage: float = Field(default=80.0, ge=0, le=100, title="Largest overlap leakage")
    """Questions that repeat one that the model was trained on, in percent of those asked."""
    max_leakage_rise: float = Field(default=5.0, ge=0, le=100, title="Largest rise of overlap leakage")
    """In points above the champion's."""
    min_speed: float = Field(default=0.0, ge=0, allow_inf_nan=False, title="Least questions a second")
    """On the machine that the gate runs on, which alone tells what is fast: 0 asks for nothing."""
    min_relative_speed: float = Field(default=0.8, ge=0, allow_inf_nan=False, title="Least speed beside the champion")
    """Share of the champion's questions a second, both timed in turns; 0.8 allows a fifth less."""


class GateConfig(Form):
    """How a candidate and the champion are measured, and what the candidate has to reach."""

    thresholds: Thresholds = Thresholds()
    """What it has to reach."""
    recall_at: int = Field(default=10, ge=1, title="K of recall@K")
    """Entries among which one has to have a right answer."""
    timed_questions: int = Field(default=8, ge=1, title="Questions of a timed round")
    """Answered together, by one and then by the other."""
    timed_rounds: int = Field(default=12, ge=2, title="Timed rounds")
    """In which both are timed."""
    attempt: int = Field(default=0, ge=0, title="Attempt")
    """Another number measures anew what was measured already, such as speeds while the machine had much else to do."""


class BundleConfig(Frozen):
    """How a bundle answers."""

    top_k: int = Field(ge=1)
    """Entries that are read."""
    rounds: Literal[1, 2] = 1
    """Of retrieval: 1 QAMAT, 2 QAMAT+."""


class Figures(Frozen):
    """What was measured of a bundle; shares are percent."""

    questions: int
    em: float
    recall: float
    auroc: float
    leakage: float
    speed: float
    """Questions a second."""


class Check(Frozen):
    """One threshold: what the candidate has, what the champion has, and what was wanted."""

    figure: Figure
    threshold: str
    """The field of ``Thresholds``."""
    candidate: float
    champion: float | None
    """None where the threshold is absolute."""
    rule: Literal["at least", "at most"]
    bound: float
    passed: bool

    def __str__(self) -> str:
        beside = f", the champion has {self.champion:.2f}" if self.champion is not None else ""
        return f"{self.figure} is {self.candidate:.2f}, {self.rule} {self.bound:.2f} wanted ({self.threshold}{beside})"


class Verdict(Frozen):
    """What the gate says of a candidate."""

    candidate: ArtifactRef
    champion: ArtifactRef | None
    questions: ArtifactRef
    measured: Figures
    """Of the candidate."""
    beside: Figures | None
    """Of the champion."""
    checks: tuple[Check, ...]
    passed: bool

    @property
    def failed(self) -> tuple[Check, ...]:
        """The thresholds that the candidate does not reach."""
        return tuple(check for check in self.checks if not check.passed)
