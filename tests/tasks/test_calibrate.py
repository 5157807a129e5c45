"""Predictions -> a calibration -> figures of abstention."""

from pathlib import Path

import numpy as np
import pytest

from qamat_core.evaluation.calibration import Confidence
from qamat_core.store.store import DirectoryDraft, Job, Store
from schemas.artifacts import ArtifactRef, Kind, Pretrained
from schemas.errors import InputError
from schemas.evaluation import AbstentionConfig, CalibrateConfig, Place
from schemas.resources import Resources
from tasks import calibrate, measure_abstention
from tests.tasks.corpus import Given, Row, register

PLACE = Place(table="abstention", row="", dataset="world", split="test", memory="generated", model_size="toy", k=2)


def rows(seed: int, count: int = 300, prefix: str = "e") -> list[Row]:
    """Make answers that are the more often right the wider their margin; log-probabilities say nothing."""
    rng = np.random.default_rng(seed)
    made: list[Row] = []
    for number in range(count):
        margin = float(rng.exponential(2))
        row: Row = {"example_id": f"{prefix}{number:03d}", "question": "q", "answers": ["a"], "prediction": "a"}
        row |= {"retrieved_ids": ["m", "n"], "weights": [0.7, 0.3], "f1": 0.0, "first_hit": None}
        right = bool(rng.random() < 1 - 0.8 * np.exp(-margin))
        made.append(row | {"exact_match": right, "sum_logprob": -float(rng.exponential(1)), "margin": margin})
    return made


def directory(store: Store, kind: Kind, text: str) -> ArtifactRef:
    def build(work: Path) -> dict[str, DirectoryDraft]:
        (work / "made").mkdir()
        (work / "made" / "card.json").write_text(text)
        return {"made": DirectoryDraft(work / "made")}

    return store.produce(Job("tasks.beam", Given(digest=text), {}, {"made": (kind, "m")}), build)["made"]


def test_a_calibration_is_fitted_found_and_measured(store: Store) -> None:
    resources = Resources(home=str(store.home))
    model = Pretrained(checkpoint=directory(store, "checkpoint", "c"), index=directory(store, "index", "i"))
    dev, test = (register(store, "predictions", name, rows(seed)) for seed, name in enumerate(("dev", "test")))
    inputs = calibrate.CalibrateInputs(dev, model.checkpoint, model.index)
    made = calibrate.run(CalibrateConfig(k=2), inputs, name="m", resources=resources)
    card = Confidence.load(store.open_directory(made)).card
    assert card is not None
    assert (card.checkpoint, card.index, card.questions) == (model.checkpoint.content, model.index.content, 300)
    assert card.after.brier < card.before.brier
    assert card.after.ece < card.before.ece
    again = calibrate.run(CalibrateConfig(k=2), inputs, name="again", resources=resources)
    assert again.content == made.content

    runs = [measure_abstention.AbstentionRun(test, made)]
    config = AbstentionConfig(place=PLACE, resamples=20)
    one = measure_abstention.run(config, runs, name="one", resources=resources)
    figures = {(row["row"], row["metric"], row["x"]): row for row in store.open_table(one).to_pylist()}
    area = {
        row: figures[row, "auroc", None]["value"] for row in ("Log-probability", "Margin", "Top weight", "Calibrated")
    }
    assert area["Calibrated"] > 60 > area["Log-probability"]
    assert area["Top weight"] == 50
    assert figures["Calibrated", "ece", None]["value"] < figures["Log-probability", "ece", None]["value"]
    assert figures["Calibrated", "ece", None]["low"] is None
    wrong = 100 * np.mean([not row["exact_match"] for row in rows(1)])
    assert figures["Calibrated", "risk", 100.0]["value"] == pytest.approx(wrong, abs=1e-3)
    assert {row["seed"] for row in figures.values()} == {0}
    two = store.open_table(measure_abstention.run(config, runs * 2, name="two", resources=resources)).to_pylist()
    assert {row["seed"] for row in two} == {None}
    assert [row["value"] for row in two] == [row["value"] for row in figures.values()]


def test_answers_without_a_decoder_and_no_answers_are_refused(store: Store) -> None:
    resources, checkpoint = Resources(home=str(store.home)), directory(store, "checkpoint", "c")
    bare = [row | {"sum_logprob": None, "margin": None} for row in rows(0, 5)]
    for name, given, words in (("bm25", bare, "evaluate a checkpoint"), ("none", list[Row](), "holds no answer")):
        inputs = calibrate.CalibrateInputs(register(store, "predictions", name, given), checkpoint)
        with pytest.raises(InputError, match=words):
            calibrate.run(CalibrateConfig(k=1), inputs, name=name, resources=resources)
