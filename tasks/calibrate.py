"""How sure a model may be: predictions on questions that nothing else is measured on -> calibration."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from qamat_core.evaluation.abstention import quality
from qamat_core.evaluation.calibration import CalibrationCard, Confidence
from qamat_core.evaluation.predictions import signals_of
from qamat_core.evaluation.regression import cross_fitted, fit_regression
from qamat_core.store.store import DirectoryDraft, Job, Store
from schemas.artifacts import ArtifactRef, Name
from schemas.errors import InputError
from schemas.evaluation import CalibrateConfig
from schemas.resources import Resources


@dataclass(frozen=True)
class CalibrateInputs:
    """``predictions`` of a checkpoint over an index; None for a closed-book model."""

    predictions: ArtifactRef
    checkpoint: ArtifactRef
    index: ArtifactRef | None = None


def run(config: CalibrateConfig, inputs: CalibrateInputs, *, name: Name, resources: Resources) -> ArtifactRef:
    """Fit the confidence of a checkpoint's answers.

    Raises:
        InputError: there are no predictions, or a baseline without a decoder made them.
    """
    store = Store(resources.home)
    given = {label: ref for label, ref in vars(inputs).items() if ref}
    job = Job(module=__name__, config=config, inputs=given, outputs={"calibration": ("calibration", name)})

    def build(work: Path) -> dict[str, DirectoryDraft]:
        card = calibrate(store, config, inputs)
        card.save(work / "calibration")
        return {"calibration": DirectoryDraft(work / "calibration", notes={"ece": card.after.ece})}

    return store.produce(job, build)["calibration"]


def calibrate(store: Store, config: CalibrateConfig, inputs: CalibrateInputs) -> CalibrationCard:
    """Return the card of the fit."""
    predictions = store.open_table(inputs.predictions).sort_by("example_id")
    if not predictions.num_rows:
        raise InputError(f"{inputs.predictions} holds no answer to calibrate on: evaluate other questions")
    signals, right = signals_of(predictions), predictions.column("exact_match").to_numpy().astype(bool)
    return CalibrationCard(
        checkpoint=inputs.checkpoint.content,
        index=inputs.index.content if inputs.index else None,
        k=config.k,
        regression=fit_regression(signals, right, config.l2),
        questions=len(right),
        right=int(np.sum(right)),
        before=quality(Confidence.uncalibrated().of(signals), right),
        after=quality(cross_fitted(signals, right, config.l2), right),
    )
