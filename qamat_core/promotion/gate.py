"""The gate: figures of a candidate and of the champion -> whether the candidate may take its place."""

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa

from qamat_core.evaluation.abstention import ranking_area
from qamat_core.evaluation.calibration import Confidence
from qamat_core.evaluation.metrics import recall_at
from qamat_core.evaluation.predictions import signals_of
from schemas.promotion import Check, Figure, Figures, Thresholds


def figures(
    predictions: pa.Table, confidence: Confidence, overlaps: Sequence[pa.Table], k: int, speed: float
) -> Figures:
    """Measure a bundle by its answers.

    Args:
        predictions: of n > 0 questions.
        confidence: by which answers are sorted for the AUROC.
        overlaps: of the same questions with each set of questions that the model was trained on.
        k: of recall@K.
        speed: questions a second.
    """
    right = predictions.column("exact_match").to_numpy().astype(bool)
    repeated = {
        row["example_id"] for table in overlaps for row in table.to_pylist() if row["overlap"] == "question"
    }  # of any of them
    leaked = [example in repeated for example in predictions.column("example_id").to_pylist()]
    return Figures(
        questions=len(right),
        em=_percent(right.mean()),
        recall=_percent(recall_at(predictions.column("first_hit").to_pylist(), k).mean()),
        auroc=_percent(ranking_area(confidence.of(signals_of(predictions)), right)),
        leakage=_percent(np.mean(leaked)),
        speed=round(speed, 2),
    )


def judge(
    thresholds: Thresholds, candidate: Figures, champion: Figures | None, relative_speed: float | None
) -> tuple[Check, ...]:
    """Hold a candidate against every threshold; those against the champion only where there is one.

    Args:
        thresholds: what is wanted.
        candidate: its figures.
        champion: the figures of the one that is in use; None for the first.
        relative_speed: the candidate's speed as a share of the champion's, both timed in turns.
    """
    checks = [*_absolute(thresholds, candidate)]
    if champion is not None:
        checks += _relative(thresholds, candidate, champion)
        assert relative_speed is not None, "measured where there is a champion"
        wanted = thresholds.min_relative_speed
        checks.append(_check("relative_speed", "min_relative_speed", relative_speed, 1.0, least=wanted))
    return tuple(checks)


def _absolute(wanted: Thresholds, candidate: Figures) -> Iterator[Check]:
    yield _check("questions", "min_questions", candidate.questions, None, least=wanted.min_questions)
    yield _check("em", "min_em", candidate.em, None, least=wanted.min_em)
    yield _check("recall", "min_recall", candidate.recall, None, least=wanted.min_recall)
    yield _check("auroc", "min_auroc", candidate.auroc, None, least=wanted.min_auroc)
    yield _check("leakage", "max_leakage", candidate.leakage, None, most=wanted.max_leakage)
    yield _check("speed", "min_speed", candidate.speed, None, least=wanted.min_speed)


def _relative(wanted: Thresholds, candidate: Figures, champion: Figures) -> Iterator[Check]:
    em, recall, auroc, leakage = champion.em, champion.recall, champion.auroc, champion.leakage
    yield _check("em", "max_em_drop", candidate.em, em, least=em - wanted.max_em_drop)
    yield _check("recall", "max_recall_drop", candidate.recall, recall, least=recall - wanted.max_recall_drop)
    yield _check("auroc", "max_auroc_drop", candidate.auroc, auroc, least=auroc - wanted.max_auroc_drop)
    yield _check("leakage", "max_leakage_rise", candidate.leakage, leakage, most=leakage + wanted.max_leakage_rise)


def _check(
    figure: Figure,
    threshold: str,
    candidate: float,
    champion: float | None,
    *,
    least: float | None = None,
    most: float | None = None,
) -> Check:
    """Compare a figure with its bound; a figure that is no number does not pass."""
    bound = round(float(least if least is not None else most or 0.0), 4)
    return Check(
        figure=figure,
        threshold=threshold,
        candidate=candidate,
        champion=champion,
        rule="at most" if least is None else "at least",
        bound=bound,
        passed=candidate <= bound if least is None else candidate >= bound,
    )


def _percent(share: float | np.floating) -> float:
    return round(100 * float(share), 4)
