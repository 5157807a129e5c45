"""How sure an answer is: the probability that it is right, of what its model gives away while it answers.

Three signals are weighed by a logistic regression: the answer's log-probability, the retrieval margin, the weight of
the best entry (docs/decisions/0011).
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.special import expit

from schemas.artifacts import Digest
from schemas.base import Frozen
from schemas.errors import CorruptArtifactError

CARD: Final = "calibration.json"
_DECIMALS: Final = 4
"""Signals are read as they stand in ``predictions``."""

Values = Float[np.ndarray, " n"]


class Signals(NamedTuple):
    """What a model gives away about n answers."""

    sum_logprob: Values
    """Log-probability of the answer under the decoder."""
    margin: Values
    """Score of the best entry minus that of the second, in nats: log p(m1|X) - log p(m2|X), whatever K is. NaN where
    fewer than two entries were found."""
    top_weight: Values
    """The largest p(m|X) over the entries that were read; 0 where none was."""

    @classmethod
    def of(
        cls, sum_logprob: Float[np.ndarray, " n"], scores: Float[np.ndarray, "n R"], weights: Float[np.ndarray, "n R"]
    ) -> "Signals":
        """Return the signals of answers as ``Answerer`` gives them: ``scores`` best first, -inf where there is none."""
        return cls.rounded(sum_logprob, margins(scores), weights.max(1, initial=0))

    @classmethod
    def rounded(cls, sum_logprob: Values, margin: Values, top_weight: Values) -> "Signals":
        """Round as ``predictions`` are, so that an answer is as sure whether it is read from there or not."""
        return cls(*(np.round(part.astype(np.float64), _DECIMALS) for part in (sum_logprob, margin, top_weight)))


def margins(scores: Float[np.ndarray, "n R"]) -> Values:
    """Return how far the best entry's score is above the second's; NaN where there are not two."""
    if scores.shape[1] < 2:
        return np.full(len(scores), np.nan)
    first, second = scores[:, 0].astype(np.float64), scores[:, 1].astype(np.float64)
    two = np.isfinite(first) & np.isfinite(second)
    return np.where(two, np.where(two, first, 0) - np.where(two, second, 0), np.nan)


class Feature(Frozen):
    """One signal of the regression: it is standardised by mean and scale, then weighed. A NaN counts as the mean."""

    name: str
    mean: float
    scale: float
    coefficient: float


class Regression(Frozen):
    """A logistic regression on signals."""

    intercept: float
    features: tuple[Feature, ...]

    def of(self, signals: Signals) -> Values:
        """Return the confidence of n answers."""
        logits = np.full(len(signals.sum_logprob), self.intercept)
        for feature in self.features:
            logits += feature.coefficient * standard(getattr(signals, feature.name), feature.mean, feature.scale)
        return expit(logits)


class Quality(Frozen):
    """How well confidences tell right answers from wrong ones; both are 0 at best."""

    brier: float
    """Mean of (confidence - right)^2."""
    ece: float
    """Expected calibration error."""


class CalibrationCard(Frozen):
    """A calibration: whose confidence it is, how it is computed, and what it was fitted on."""

    checkpoint: Digest
    """Content of the checkpoint that answered."""
    index: Digest | None
    """Content of the index that it searched; None for a closed-book model."""
    k: int
    """Entries that were read."""
    regression: Regression
    questions: int
    right: int
    before: Quality
    """Of the probability of the answer."""
    after: Quality
    """Of the confidence, each fifth of the questions by a fit to the other four."""

    def save(self, directory: Path) -> None:
        """Write the card into a directory, which is made if need be."""
        directory.mkdir(parents=True, exist_ok=True)
        (directory / CARD).write_text(self.model_dump_json(indent=2) + "\n")


@dataclass(frozen=True)
class Confidence:
    """Gives every answer a number from 0 to 1; without a card it is the answer's own probability."""

    card: CalibrationCard | None = None

    @classmethod
    def load(cls, directory: Path) -> "Confidence":
        """Read a ``calibration``.

        Raises:
            CorruptArtifactError: it has no card that can be read.
        """
        try:
            return cls(CalibrationCard.model_validate_json((directory / CARD).read_text()))
        except (OSError, ValueError) as error:
            raise CorruptArtifactError(f"{directory / CARD}: not a calibration; run `qamat reproduce` again") from error

    @classmethod
    def uncalibrated(cls) -> "Confidence":
        """Return the answer's own probability, exp(sum_logprob)."""
        return cls()

    def of(self, signals: Signals) -> Values:
        """Return the confidence of n answers."""
        if self.card is None:
            return np.exp(np.minimum(signals.sum_logprob.astype(np.float64), 0))
        return self.card.regression.of(signals)

    def __call__(self, sum_logprob: float, scores: Float[np.ndarray, " R"], weights: Float[np.ndarray, " R"]) -> float:
        """Return the confidence of one answer: rows of what ``Answerer.answer`` returns."""
        return float(self.of(Signals.of(np.array([sum_logprob]), scores[None], weights[None]))[0])


def standard(values: Values, mean: float, scale: float) -> Values:
    """Return values in units of their scale from their mean; a NaN as the mean."""
    return np.nan_to_num((values.astype(np.float64) - mean) / scale, nan=0.0)
