"""`qamat train` from a public T5: it keeps its shape and tokenizer through the stages, and can be given away again."""

from pathlib import Path

import pytest

from flows.lookup import find_t5
from qamat_core.store.store import Store
from qamat_core.t5.checkpoints.external import read_weights
from qamat_core.t5.conversion import from_transformers
from qamat_core.training.checkpoint import load_card, load_params
from schemas.corpus import BuildWorldConfig, NegativesConfig
from schemas.resources import Resources
from schemas.world import WorldConfig
from tasks import build_world, import_start, mine_negatives
from tasks.external_t5 import T5Source
from tests.qamat_core.t5.checkpoints.foreign import SHAPE, save_huggingface, state, tokenizer
from tests.qamat_core.t5.checkpoints.test_huggingface import equal

T5 = SHAPE.model_copy(update={"vocab_size": 145})  # as many rows as ids, no multiple of 128
WORLD = WorldConfig(persons=24, cities=8, countries=2, companies=6, books=7, annotation_worlds=0)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    directory = save_huggingface(tmp_path / "t5", T5, state(T5))
    tokenizer().save(directory)
    return directory


@pytest.fixture
def memory(home: Path) -> str:
    """The gold memory of a tiny world with its pre-training examples."""
    resources = Resources(home=str(home))
    world = build_world.run(BuildWorldConfig(world=WORLD, shard_rows=100), name="tiny", resources=resources)
    inputs = mine_negatives.NegativesInputs(world.passages, world.gold_pairs)
    mine_negatives.run(NegativesConfig(spans_per_passage=1), inputs, name="tiny", resources=resources)
    return world.gold_pairs.name


@pytest.mark.parametrize("last", ["inbatch", pytest.param("global", marks=pytest.mark.slow)])
def test_stages_keep_the_public_t5_and_what_comes_of_it_is_exported(
    qamat, last: str, source: Path, memory: str, home: Path, tmp_path: Path
):
    begun = qamat("train", "init", "--from", source, "--name", "t5", "--json")
    assert (begun.code, begun.json["computed"], begun.json["notes"]["format"]) == (0, 1, "huggingface"), begun.err
    common = ("--memory", memory, "--preset", "toy", "--name", "m", "--json")
    trained = qamat("train", "inbatch", *common, "--start", "t5")
    if last == "global":
        trained = qamat("train", "global", *common)
    assert trained.code == 0, trained.err
    store = Store(home)
    ref = store.newest("checkpoint", f"m-{last}")
    learned = store.open_directory(ref)
    assert load_card(learned).model == find_t5(store, ref) == T5
    assert load_card(learned).tokenizer.model_dump(mode="json") == begun.json["tokenizer"]
    assert not equal(load_params(learned), from_transformers(state(T5), T5))
    for form in ("hf", "t5x"):
        out = tmp_path / form
        done = qamat("artifacts", "export", ref.name, "--format", form, "--out", out, "--json")
        assert (done.code, done.json["checkpoint"]) == (0, str(ref)), done.err
        assert equal(read_weights(out).params, load_params(learned))
        # What was given away can be started from.
        again = import_start.run(T5Source(str(out)), name=f"again-{form}", resources=Resources(home=str(home)))
        assert equal(load_params(store.open_directory(again.checkpoint)), load_params(learned))
