"""Abstention: what is gained where a model does not answer the questions that it is least sure of.

Answers of equal confidence count as if they stood in random order: every figure is the expected one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Bool, Float
from scipy.special import expit
from scipy.stats import rankdata

from qamat_core.evaluation.bootstrap import Interval, crossed_statistics
from qamat_core.evaluation.calibration import Confidence, Quality, Signals, Values

Right = Bool[np.ndarray, " n"]

BINS: Final = 10
"""Equally wide bins of the expected calibration error."""
RISKS: Final = (5, 10)
"""Per cent of the answers given that may be wrong."""
COVERAGES: Final = (50, 80)
"""Per cent of the questions that are answered."""
CURVE: Final = tuple(range(5, 101, 5))
"""Coverages of the risk-coverage curve, in per cent."""


@dataclass(frozen=True)
class RiskCoverage:
    """n answers, surest first."""

    confidence: Values
    right: Right

    @classmethod
    def of(cls, confidence: Values, right: Right) -> "RiskCoverage":
        """Sort n > 0 answers."""
        order = np.argsort(-confidence, kind="stable")
        return cls(confidence[order], right[order])

    @cached_property
    def wrong(self) -> Float[np.ndarray, " n+1"]:
        """How many of the 0, 1, ... n surest answers are wrong, as expected: evenly spread over equal confidences."""
        count = len(self.right)
        ends = np.flatnonzero(np.append(self.confidence[1:] != self.confidence[:-1], True)) + 1
        return np.interp(np.arange(count + 1), np.append(0, ends), np.append(0, np.cumsum(~self.right)[ends - 1]))

    @cached_property
    def risk(self) -> Values:
        """Share of wrong answers among the 1, 2, ... n surest."""
        return self.wrong[1:] / np.arange(1, len(self.right) + 1)

    @property
    def area(self) -> float:
        """AURC, the mean risk over all coverages; that of random confidence is the share of wrong answers."""
        return float(self.risk.mean())

    def risk_at(self, coverage: float) -> float:
        """Return the risk where a share of the questions (above 0) is answered."""
        answered = coverage * len(self.right)
        return float(np.interp(answered, np.arange(len(self.wrong)), self.wrong) / answered)

    def coverage_at(self, risk: float) -> float:
        """Return the largest share of the questions that is answered with at most this risk; 0 if none is."""
        within = np.flatnonzero(self.risk <= risk + 1e-12)
        return float(within[-1] + 1) / len(self.right) if within.size else 0.0


def ranking_area(confidence: Values, right: Right) -> float:
    """Return AUROC: how often a right answer is surer than a wrong one, ties counting half.

    1/2 where all are right, or all wrong: nothing can be told apart.
    """
    yes = int(right.sum())
    pairs = yes * (len(right) - yes)
    return float(rankdata(confidence)[right].sum() - yes * (yes + 1) / 2) / pairs if pairs else 0.5


def calibration_error(confidence: Values, right: Right) -> float:
    """Return the expected calibration error: how far mean confidence and share right are apart in a bin, on average.

    Naeini, Cooper and Hauskrecht 2015, with ``BINS`` equally wide bins.
    """
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    return float(np.abs(np.bincount(bins, confidence - right, minlength=BINS)).sum() / len(right))


def quality(confidence: Values, right: Right) -> Quality:
    """Measure confidences against what came of n > 0 answers."""
    brier = float(np.mean((confidence - right) ** 2))
    return Quality(brier=round(brier, 6), ece=round(calibration_error(confidence, right), 6))


class Measure(NamedTuple):
    """What is measured; ``x`` is the risk or the coverage that it is measured at, in per cent."""

    metric: str
    x: float | None = None


CONFIDENCES: Final = ("Log-probability", "Margin", "Top weight", "Calibrated")
"""What answers are sorted by."""
MEASURES: Final = (
    Measure("auroc"),
    Measure("aurc"),
    Measure("ece"),
    *(Measure("coverage_at_risk", float(risk)) for risk in RISKS),
    *(Measure("em_at_coverage", float(coverage)) for coverage in COVERAGES),
    *(Measure("risk", float(coverage)) for coverage in CURVE),
)
"""Every figure of a confidence."""
BIASED: Final = frozenset({"ece"})
"""Figures that resampling inflates, sums of absolute values: their percentile interval may lie beside them."""


def confidences(signals: Signals, calibrated: Confidence) -> Mapping[str, Values]:
    """Return what n answers can be sorted by, each from 0 to 1: row's name (``CONFIDENCES``) -> [n].

    The margin stands as the share of the best entry among the best two; where there are not two, as unknown.
    """
    margin = np.nan_to_num(expit(signals.margin), nan=0.5)
    ways = Confidence.uncalibrated().of(signals), margin, signals.top_weight, calibrated.of(signals)
    return dict(zip(CONFIDENCES, ways, strict=True))


def measure(confidence: Float[np.ndarray, "S n"], right: Bool[np.ndarray, "S n"], resamples: int) -> list[Interval]:
    """Return every figure (``MEASURES``) as a share: means over seeds, intervals by resampling seeds and questions.

    Args:
        confidence: of S seeds' answers to the same n > 0 questions.
        right: which are right.
        resamples: of the bootstrap.
    """
    count = right.shape[1]
    return crossed_statistics(
        lambda seed, questions: _figures(confidence[seed, questions], right[seed, questions]),
        seeds=len(right),
        questions=count,
        resamples=resamples,
    )


def _figures(confidence: Values, right: Right) -> Float[np.ndarray, " F"]:
    curve = RiskCoverage.of(confidence, right)
    return np.array(
        [
            ranking_area(confidence, right),
            curve.area,
            calibration_error(confidence, right),
            *(curve.coverage_at(risk / 100) for risk in RISKS),
            *(1 - curve.risk_at(coverage / 100) for coverage in COVERAGES),
            *(curve.risk_at(coverage / 100) for coverage in CURVE),
        ]
    )
