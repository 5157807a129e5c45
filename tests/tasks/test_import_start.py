"""A public T5 is where QAMAT starts, with its own shape, rows and tokenizer."""

import json
from pathlib import Path

import pytest

from qamat_core.store.store import Store
from qamat_core.t5.conversion import from_transformers
from qamat_core.tokenizer import CLS, MASK, Tokenizer
from qamat_core.training.checkpoint import load_card, load_params
from schemas.errors import IncompatibleArtifactError, InputError
from schemas.model import T5Config
from schemas.presets import preset
from schemas.resources import Resources
from tasks.external_t5 import T5Source
from tasks.import_start import run
from tasks.qamat_stage import open_checkpoint
from tests.hub_server import COMMIT, hub
from tests.qamat_core.t5.checkpoints.foreign import OLD, SHAPE, save_huggingface, save_t5x, state, tokenizer
from tests.qamat_core.t5.checkpoints.test_huggingface import equal

IDS = 145


@pytest.fixture
def resources(home: Path) -> Resources:
    return Resources(home=str(home))


def save(directory: Path, model: T5Config) -> Path:
    save_huggingface(directory, model, state(model))
    tokenizer().save(directory)
    return directory


@pytest.mark.parametrize("model", [OLD, SHAPE], ids=["1.0", "1.1"])
@pytest.mark.parametrize("rows", [256, IDS + 5, IDS])
def test_a_stage_of_any_preset_opens_it(model: T5Config, rows: int, resources: Resources, tmp_path: Path):
    model = model.model_copy(update={"vocab_size": rows})
    ref = run(T5Source(str(save(tmp_path / "t5", model))), name="t5", resources=resources).checkpoint
    store = Store(resources.home)
    stages = preset("toy").training.over(model)
    opened = open_checkpoint(store, ref, stages.inbatch.model)
    assert opened.reader.config.t5 == model
    assert opened.reader.config.passage_length == preset("toy").training.inbatch.model.passage_length
    assert opened.reader.first_sentinel == opened.tokenizer.sentinel(0)
    assert equal(opened.params, from_transformers(state(model), model))
    with pytest.raises(IncompatibleArtifactError, match=r"checkpoint/t5@0 has another T5 .*d_model.*pointer_head"):
        open_checkpoint(store, ref, preset("toy").training.inbatch.model)


def test_activations_are_of_the_presets_type(resources: Resources, tmp_path: Path):
    ref = run(T5Source(str(save(tmp_path / "t5", SHAPE))), name="t5", resources=resources).checkpoint
    half = preset("toy").training.over(SHAPE).inbatch.model
    half = half.model_copy(update={"t5": SHAPE.model_copy(update={"dtype": "bfloat16"})})
    assert open_checkpoint(Store(resources.home), ref, half).reader.config.t5.dtype == "bfloat16"


def test_the_tokenizer_is_the_checkpoints(resources: Resources, tmp_path: Path):
    refs = run(T5Source(str(save(tmp_path / "t5", SHAPE))), name="t5", resources=resources)
    store = Store(resources.home)
    card = load_card(store.open_directory(refs.checkpoint))
    assert (card.role, card.tokenizer) == ("init", refs.tokenizer)
    registered = Tokenizer.load(store.open_directory(refs.tokenizer))
    assert registered.fingerprint == tokenizer().fingerprint
    assert registered.encode(f"{MASK}{CLS}") == [IDS - 1, IDS - 100]


def test_t5x_and_the_hub_give_the_same(resources: Resources, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    directory = save(tmp_path / "t5", SHAPE)
    first = run(T5Source(str(directory)), name="t5", resources=resources)
    t5x = save_t5x(tmp_path / "checkpoint_1", from_transformers(state(SHAPE), SHAPE))
    second = run(T5Source(str(t5x), tokenizer=directory / "spiece.model"), name="t5", resources=resources)
    with hub({"org/t5": directory}) as (address, _):
        monkeypatch.setenv("HF_ENDPOINT", address)
        third = run(T5Source("org/t5"), name="hub", resources=resources)
    store = Store(resources.home)
    assert store.row(third.checkpoint).notes["commit"] == COMMIT
    read = [load_params(store.open_directory(refs.checkpoint)) for refs in (first, second, third)]
    assert equal(read[0], read[1])
    assert equal(read[0], read[2])


def test_fewer_rows_than_ids_are_refused(resources: Resources, tmp_path: Path):
    few = SHAPE.model_copy(update={"vocab_size": 128})
    with pytest.raises(InputError, match=r"145 ids, but the checkpoint has 128"):
        run(T5Source(str(save(tmp_path / "few", few))), name="few", resources=resources)
    assert Store(resources.home).registry.rows() == []


def test_a_config_json_that_counts_other_rows_is_refused(resources: Resources, tmp_path: Path):
    directory = save(tmp_path / "t5", SHAPE)
    fields = json.loads((directory / "config.json").read_text()) | {"vocab_size": 384}
    (directory / "config.json").write_text(json.dumps(fields))
    with pytest.raises(InputError, match=r"(weight|embedding).* is .*256.*, the configuration has .*384"):
        run(T5Source(str(directory)), name="t5", resources=resources)
