"""A bundle is made only of parts that belong together and are whole; it names them by key and content."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from qamat_core.evaluation.calibration import CalibrationCard, Quality, Regression
from qamat_core.promotion.bundle import Bundle
from qamat_core.store.store import DirectoryDraft, Job, Store
from schemas.artifacts import ArtifactRef
from schemas.errors import ConfigError, CorruptArtifactError, IncompatibleArtifactError
from schemas.promotion import BundleConfig
from schemas.resources import Resources
from tasks.build_bundle import BundleInputs, run
from tests.qamat_core.store.jobs import RejectsConfig
from tests.tasks.corpus import pair, register


@pytest.fixture(scope="module")
def store(askable: Path, tmp_path_factory: pytest.TempPathFactory) -> Store:
    return Store(shutil.copytree(askable, tmp_path_factory.mktemp("bundles") / "home"))


@pytest.fixture(scope="module")
def parts(store: Store) -> BundleInputs:
    return BundleInputs(
        checkpoint=store.newest("checkpoint", "tuned"),
        index=store.newest("index", "encoder"),
        memory=store.newest("qa_pairs", "m"),
        tokenizer=store.newest("tokenizer", "m"),
        passages=(store.newest("passages", "m"),),
    )


def bundled(store: Store, parts: BundleInputs, top_k: int = 2) -> ArtifactRef:
    return run(BundleConfig(top_k=top_k), parts, name="b", resources=Resources(home=str(store.home)))


def calibrated(store: Store, parts: BundleInputs, k: int) -> ArtifactRef:
    """A calibration of the checkpoint over the index."""
    quality = Quality(brier=0, ece=0)
    card = CalibrationCard(
        checkpoint=parts.checkpoint.content,
        index=parts.index.content,
        k=k,
        regression=Regression(intercept=0, features=()),
        questions=1,
        right=1,
        before=quality,
        after=quality,
    )
    job = Job("schemas.tables", RejectsConfig(text=str(k)), {}, {"calibration": ("calibration", "c")})

    def build(work: Path) -> dict[str, DirectoryDraft]:
        card.save(work / "calibration")
        return {"calibration": DirectoryDraft(work / "calibration")}

    return store.produce(job, build)["calibration"]


def test_a_bundle_names_its_parts(store: Store, parts: BundleInputs):
    parts = replace(parts, calibration=calibrated(store, parts, 2))
    ref = bundled(store, parts)
    found = Bundle.load(store.open_directory(ref))
    for name in ("checkpoint", "index", "memory", "tokenizer", "searcher", "calibration", "passages"):
        assert getattr(found, name) == getattr(parts, name)
    assert (found.entries, found.top_k, found.rounds) == (10, 2, 1)
    assert found.encoder == store.newest("checkpoint", "encoder").content
    assert set(store.row(ref).inputs) == {*("checkpoint", "index", "memory", "tokenizer", "calibration", "passages-0")}
    assert bundled(store, parts) == ref


def test_parts_that_do_not_belong_together_are_refused(store: Store, parts: BundleInputs):
    other = register(store, "qa_pairs", "other", [pair("q0", "Who?", "Ada")])
    wrong = [
        (replace(parts, index=store.newest("index", "other")), "was made by encoder .*, the checkpoint was trained"),
        (replace(parts, checkpoint=store.newest("checkpoint", "other")), "build the index with that encoder"),
        (replace(parts, memory=other), r"encoder@0 has the memory qa_pairs/m@0, not qa_pairs/other@0: give"),
        (replace(parts, tokenizer=store.newest("checkpoint", "tuned")), "has the tokenizer tokenizer/m@0, not"),
        (replace(parts, calibration=calibrated(store, parts, 1)), "calibration/c@.* is of another checkpoint,"),
    ]  # fmt: skip
    for inputs, line in wrong:
        with pytest.raises(IncompatibleArtifactError, match=line):
            bundled(store, inputs)
    with pytest.raises(ConfigError, match=r"top_k is 11: checkpoint/tuned@0 reads at most 10 entries of this memory"):
        bundled(store, parts, top_k=11)


def test_a_damaged_part_is_refused(store: Store, parts: BundleInputs, tmp_path: Path):
    copy = Store(shutil.copytree(store.home, tmp_path / "home"))
    (shard,) = copy.open_shards(parts.memory)
    shard.write_bytes(shard.read_bytes()[:-1])
    with pytest.raises(CorruptArtifactError, match="does not have its registered SHA-256"):
        bundled(Store(copy.home), parts, top_k=1)
