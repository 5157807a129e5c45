"""An engine opens what fits together, refuses what does not, and answers with the confidence that was fitted for it."""

import shutil
from pathlib import Path

import pytest

from flows.asking import open_engine
from qamat_core.evaluation.calibration import CalibrationCard, Feature, Quality, Regression
from qamat_core.store.store import DirectoryDraft, Job, Store
from schemas.answers import Asked
from schemas.errors import CorruptArtifactError, IncompatibleArtifactError, InputError, MissingArtifactError
from schemas.evaluation import CalibrateConfig
from tasks.answering import AnswerInputs, Engine


def engine(home: Path, checkpoint: str | None = None, memory: str | None = None, top_k: int | None = None) -> Engine:
    return open_engine(str(home), checkpoint, memory, top_k=top_k, min_confidence=0.5, batch_sizes=(4,))


@pytest.fixture
def copied(askable: Path, home: Path) -> Path:
    shutil.copytree(askable, home)
    return home


def test_an_index_of_another_encoder_is_refused(askable: Path):
    store = Store(askable)
    inputs = AnswerInputs(store.newest("checkpoint", "tuned"), store.newest("index", "other"))
    with pytest.raises(IncompatibleArtifactError, match=r"was made by encoder .*: build the index with that encoder"):
        Engine.open(store, inputs, top_k=2)


def test_a_memory_that_others_encoded_is_refused_with_the_command_that_encodes_it(copied: Path):
    store = Store(copied)
    store.registry.remove([store.newest("index", "other").key])
    with pytest.raises(
        IncompatibleArtifactError, match=r"checkpoint/encoder@0, .*/other@0 searches by .*: run `qamat ind"
    ):
        engine(_with_own_index(copied), "other", "m")


def _with_own_index(home: Path) -> Path:
    """Let the checkpoint "other" have an index, of another memory."""
    store = Store(home)
    other, index = store.newest("checkpoint", "other"), store.newest("index", "encoder")
    elsewhere = Job("tasks.build_memory", CalibrateConfig(k=9), {}, {"memory": ("tokenizer", "elsewhere")})
    memory = store.produce(elsewhere, lambda work: {"memory": _folder(work)})["memory"]
    job = Job("tasks.build_index", CalibrateConfig(k=9), {"memory": memory, "encoder": other}, {"i": ("index", "own")})
    store.produce(job, lambda work: {"i": DirectoryDraft(shutil.copytree(store.open_directory(index), work / "i"))})
    return home


def _folder(work: Path) -> DirectoryDraft:
    (work / "folder").mkdir()
    (work / "folder" / "file").write_text("")
    return DirectoryDraft(work / "folder")


@pytest.mark.parametrize("file", ["keys.npy", "index.json"])
def test_a_truncated_index_is_refused(copied: Path, file: str):
    store = Store(copied)
    path = store.home / store.newest("index", "encoder").uri / file
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(CorruptArtifactError, match=file):
        engine(copied)


@pytest.mark.parametrize(
    ("checkpoint", "memory", "words"),
    [("tuned@7", None, "checkpoint/tuned@7 is not registered"), ("tuned@x", None, "is no version of kind checkpoint"),
     (None, "m@1", "qa_pairs/m@1 is not registered"), (None, "nobody", "qa_pairs/nobody is not registered")],
)  # fmt: skip
def test_an_unknown_version_is_refused(askable: Path, checkpoint: str | None, memory: str | None, words: str):
    with pytest.raises(MissingArtifactError, match=words):
        engine(askable, checkpoint, memory)


def test_more_entries_than_there_are_cannot_be_read(askable: Path):
    with pytest.raises(InputError, match="top-k is 11: this model reads at most 10 of its 10 entries"):
        engine(askable, top_k=11)


def test_confidence_is_the_one_that_was_fitted_where_there_is_one(copied: Path):
    asked = [
        Asked(question="Where does Ada live?"),
        Asked(question="Where does Ada live?", top_k=1, min_confidence=0.0),
    ]
    store = Store(copied)
    regression = Regression(intercept=-20.0, features=(Feature(name="margin", mean=0.0, scale=1.0, coefficient=0.0),))
    inputs = {"checkpoint": store.newest("checkpoint", "tuned"), "index": store.newest("index", "encoder")}
    card = CalibrationCard(
        checkpoint=inputs["checkpoint"].content, index=inputs["index"].content, k=2, regression=regression,
        questions=1, right=1, before=Quality(brier=0, ece=0), after=Quality(brier=0, ece=0),
    )  # fmt: skip

    def build(work: Path) -> dict[str, DirectoryDraft]:
        card.save(work / "calibration")
        return {"calibration": DirectoryDraft(work / "calibration")}

    store.produce(Job("tasks.calibrate", CalibrateConfig(k=2), inputs, {"calibration": ("calibration", "c")}), build)
    usual, one = engine(copied).answer(asked)
    assert (usual.confidence, usual.confidence_from) == (0.0, "calibration/c@0")
    assert usual.abstained
    assert usual.answer is None
    assert usual.candidate
    assert one.confidence_from == "the probability of the answer's tokens"
    assert one.answer == one.candidate
    assert len(one.evidence) == 1
    assert one.evidence[0].weight == 1
