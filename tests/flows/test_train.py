"""The flow of training: what a stage starts from, and by which tokenizer it reads."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from flows import steps
from flows.train import train_qamat
from qamat_core.store.store import Store
from qamat_core.training.checkpoint import load_card, load_params
from qamat_core.training.loop import Trained
from schemas.artifacts import ArtifactRef
from schemas.corpus import BuildWorldConfig, NegativesConfig
from schemas.generation import TrainTokenizerConfig
from schemas.orders import TrainQamat
from schemas.resources import Resources
from schemas.training import TokenizerConfig
from schemas.world import WorldConfig
from tasks import build_world, mine_negatives, train_inbatch, train_tokenizer
from tasks.build_index import IndexInputs
from tests.qamat_core.t5.checkpoints.test_huggingface import equal

PIECES = TrainTokenizerConfig(tokenizer=TokenizerConfig(vocab_size=200))


def make_memory(home: Path, name: str, seed: int) -> None:
    """Make the gold memory of a tiny world, with pre-training examples and a tokenizer of its own."""
    resources = Resources(home=str(home))
    config = WorldConfig(seed=seed, persons=24, cities=8, countries=2, companies=6, books=7, annotation_worlds=0)
    world = build_world.run(BuildWorldConfig(world=config, shard_rows=100), name=name, resources=resources)
    inputs = mine_negatives.NegativesInputs(world.passages, world.gold_pairs)
    mine_negatives.run(NegativesConfig(spans_per_passage=1), inputs, name=name, resources=resources)
    train_tokenizer.run(PIECES, [world.passages], name=f"{name}-gold", resources=resources)


@pytest.fixture
def no_prefect(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every step be its task's ``run``."""
    for step in vars(steps).values():
        if isinstance(step, steps.Step):
            monkeypatch.setattr(step, "task", step._run)


@pytest.mark.usefixtures("no_prefect")
def test_a_memory_is_started_from_the_in_batch_checkpoint_of_another(home: Path, monkeypatch: pytest.MonkeyPatch):
    """MuSiQue from HotpotQA (section 5.5): the model reads by its start's tokenizer, whatever its own corpus has."""

    def train(_stage: object, _training: object, params: Mapping[str, Any], *_more: object) -> Trained:
        return Trained(params, [{"step": 1, "loss": 1.0}])

    def build_index(_: object, inputs: IndexInputs, **_how: object) -> ArtifactRef:
        return inputs.memory.model_copy(update={"kind": "index"})

    monkeypatch.setattr(train_inbatch, "train", train)
    monkeypatch.setattr(steps, "build_index", build_index)
    for seed, name in enumerate(("hotpotqa", "musique")):
        make_memory(home, name, seed)
    shared: dict[str, Any] = {"home": str(home), "preset": "toy", "stages": ("inbatch",)}
    begun, made = (
        train_qamat.fn(TrainQamat(memory=f"{name}-gold", name=name, start=start, **shared))["inbatch"].checkpoint
        for name, start in (("hotpotqa", None), ("musique", "hotpotqa-inbatch"))
    )
    store = Store(home)
    row = store.row(made)
    assert (row.inputs["start"], row.inputs["memory"]) == (begun, store.newest("qa_pairs", "musique-gold"))
    first, second = (load_card(store.open_directory(ref)) for ref in (begun, made))
    assert first.tokenizer == second.tokenizer == store.newest("tokenizer", "hotpotqa-gold")
    assert first.model == second.model
    assert equal(*(load_params(store.open_directory(ref)) for ref in (begun, made)))
