"""People name artifacts: a name finds the newest version, and what was made of it."""

from pathlib import Path

import pytest

from flows.lookup import STUDY_MODEL, find_calibration, find_memory, find_model, find_start, find_t5
from qamat_core.store.store import DirectoryDraft, Job, Store, write_table
from schemas.artifacts import ArtifactRef, Pretrained
from schemas.errors import IncompatibleArtifactError, MissingArtifactError
from schemas.evaluation import CalibrateConfig
from schemas.resources import Resources
from schemas.tables import PRETRAIN_EXAMPLES
from tasks import import_generator, import_start
from tasks.external_t5 import T5Source
from tests.qamat_core.store.jobs import RejectsConfig
from tests.qamat_core.t5.checkpoints.foreign import SHAPE, save_huggingface, state, tokenizer
from tests.tasks.corpus import pair, register
from tests.tasks.test_import_generator import CONFIG


def _examples(store: Store, memory: ArtifactRef) -> ArtifactRef:
    job = Job("schemas.tables", RejectsConfig(), {"qa_pairs": memory}, {"rows": ("pretrain_examples", memory.name)})
    rows = PRETRAIN_EXAMPLES.empty_table()
    return store.produce(job, lambda work: {"rows": write_table(rows, "pretrain_examples", work)})["rows"]


def _tuned(store: Store, text: str) -> ArtifactRef:
    job = Job("tasks.train_finetune", RejectsConfig(text=text), {}, {"model": ("checkpoint", STUDY_MODEL)})

    def build(work):
        (work / "model").mkdir()
        (work / "model" / "card.json").write_text(text)
        return {"model": DirectoryDraft(work / "model")}

    return store.produce(job, build)["model"]


def test_a_memory_comes_with_the_examples_that_were_made_of_it(store: Store):
    old = register(store, "qa_pairs", "m", [pair("a", "where?", "here")])
    examples = _examples(store, old)
    assert find_memory(store, "m").examples == examples
    new = register(store, "qa_pairs", "m", [pair("b", "who?", "she")])
    with pytest.raises(MissingArtifactError, match=f"{new} has no pre-training examples yet"):
        find_memory(store, "m")


def test_the_newest_version_of_the_studys_model_is_asked(store: Store):
    _tuned(store, "old")
    new = _tuned(store, "new")
    assert find_model(store, None) == new


def test_a_calibration_is_of_one_checkpoint_one_index_and_one_k(store: Store):
    model, other = _tuned(store, "model"), _tuned(store, "other")

    def calibrated(name: str, k: int) -> ArtifactRef:
        inputs = {"checkpoint": model, "index": model}
        job = Job("tasks.calibrate", CalibrateConfig(k=k), inputs, {"calibration": ("calibration", name)})

        def build(work):
            (work / "made").mkdir()
            (work / "made" / "calibration.json").write_text(name)
            return {"calibration": DirectoryDraft(work / "made")}

        return store.produce(job, build)["calibration"]

    calibrated("old", 4)
    newest, of_two = calibrated("new", 4), calibrated("two", 2)
    pretrained = Pretrained(checkpoint=model, index=model)
    assert find_calibration(store, pretrained, 4) == newest
    assert find_calibration(store, pretrained, 2) == of_two
    assert find_calibration(store, pretrained, 1) is None
    assert find_calibration(store, Pretrained(checkpoint=model, index=other), 4) is None


def test_only_what_was_brought_in_is_started_from(store: Store, tmp_path: Path):
    source, resources = T5Source(str(save_huggingface(tmp_path, SHAPE, state(SHAPE)))), Resources(home=str(store.home))
    tokenizer().save(tmp_path)
    refs = import_start.run(source, name="t5", resources=resources)
    assert find_start(store, "t5") == refs.checkpoint
    assert find_t5(store, refs.checkpoint) == SHAPE
    generator = import_generator.run(CONFIG, source, name="generator", resources=resources).checkpoint
    assert find_t5(store, generator) is None
    with pytest.raises(IncompatibleArtifactError, match="checkpoint/generator@0 is not made to start from"):
        find_start(store, "generator")
    with pytest.raises(MissingArtifactError, match="checkpoint/none is not registered"):
        find_start(store, "none")
