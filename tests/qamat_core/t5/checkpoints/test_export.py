"""What is read from another library and exported again is what was there, bit for bit; from either to the other too."""

import json
from pathlib import Path

import numpy as np
import pytest
import tensorstore
from flax.serialization import msgpack_restore
from flax.traverse_util import flatten_dict, unflatten_dict
from safetensors.numpy import load_file

from qamat_core.t5.checkpoints.export import ExportFormat, export
from qamat_core.t5.checkpoints.external import read_weights
from qamat_core.t5.checkpoints.tokenizers import read_tokenizer
from qamat_core.t5.conversion import from_transformers
from qamat_core.tokenizer import Tokenizer
from qamat_core.training.checkpoint import CheckpointCard, save_checkpoint
from schemas.artifacts import ArtifactRef
from schemas.errors import ConfigError
from schemas.model import T5Config
from tests.qamat_core.t5.checkpoints.foreign import OLD, SHAPE, save_huggingface, save_t5x, state, tokenizer
from tests.qamat_core.t5.checkpoints.test_huggingface import equal

ROWS = {"padded": 256, "as many rows as ids": 147}
MODELS = {"1.0": OLD, "1.1 and FLAN": SHAPE}
TOKENIZER = ArtifactRef(kind="tokenizer", name="t", version=0, key="0" * 64, content="0" * 64, uri="t")


def exported(model: T5Config, params: object, form: ExportFormat, work: Path, pieces: Tokenizer | None = None) -> Path:
    """Make a checkpoint of ours and export it."""
    card = CheckpointCard(role="init", model=model, tokenizer=TOKENIZER, settings={})
    save_checkpoint(work / "ours", params, card, [])  # pyright: ignore[reportArgumentType]
    export(work / "ours", pieces or tokenizer("<sep>", "<hl>"), form, work / form)
    return work / form


@pytest.fixture(params=MODELS.values(), ids=MODELS)
def model(request: pytest.FixtureRequest) -> T5Config:
    return request.param


@pytest.mark.parametrize("rows", ROWS.values(), ids=ROWS)
def test_from_transformers_and_back(model: T5Config, rows: int, tmp_path: Path):
    model = model.model_copy(update={"vocab_size": rows})
    theirs = save_huggingface(tmp_path / "theirs", model, state(model))
    read = read_weights(theirs)
    assert read.model == model
    again = exported(read.model, read.params, "hf", tmp_path)
    before, after = load_file(theirs / "model.safetensors"), load_file(again / "model.safetensors")
    assert set(before) == set(after)
    assert all(before[name].tobytes() == after[name].tobytes() for name in before)
    fields = json.loads((again / "config.json").read_text())
    assert (fields["vocab_size"], fields["tie_word_embeddings"]) == (rows, model.tie_embeddings)
    assert read_weights(again).model == model


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_from_t5x_and_back(model: T5Config, dtype: str, tmp_path: Path):
    theirs = save_t5x(tmp_path / "theirs", from_transformers(state(model), model), dtype=dtype)
    read = read_weights(theirs)
    again = read_weights(exported(read.model, read.params, "t5x", tmp_path))
    assert again.model == read.model == model
    assert equal(again.params, read.params)


def test_from_either_to_the_other(model: T5Config, tmp_path: Path):
    params = from_transformers(state(model), model)
    t5x = read_weights(exported(model, params, "t5x", tmp_path / "a"))
    huggingface = exported(t5x.model, t5x.params, "hf", tmp_path / "b")
    assert equal(read_weights(huggingface).params, params)
    assert load_file(huggingface / "model.safetensors").keys() == state(model).keys()


def test_t5xs_layout(tmp_path: Path):
    """T5X opens the specifications of the msgpack file as they are, but for the directory before their paths."""
    params = flatten_dict(from_transformers(state(SHAPE), SHAPE), sep="/")
    directory = exported(SHAPE, unflatten_dict(params, sep="/"), "t5x", tmp_path)
    contents = msgpack_restore((directory / "checkpoint").read_bytes())
    assert (contents["version"], contents["optimizer"]["state"]) == (3, {"step": 0})
    specs = flatten_dict(contents["optimizer"]["target"], sep="/", is_leaf=lambda _, value: "driver" in value)
    assert specs.keys() == params.keys()
    for path, spec in specs.items():
        assert spec["kvstore"]["path"] == f"target/{path}".replace("/", ".")
        spec["kvstore"]["path"] = f"{directory}/{spec['kvstore']['path']}"
        np.testing.assert_array_equal(tensorstore.open(spec).result().read().result(), params[path])
    metadata = json.loads((directory / "target.encoder.layers_0.attention.query.kernel" / ".zarray").read_text())
    assert (metadata["shape"], metadata["dtype"], metadata["compressor"]["id"]) == ([16, 12], "<f4", "gzip")
    directory.rename(tmp_path / "moved")
    assert read_weights(tmp_path / "moved").model == SHAPE


@pytest.mark.parametrize("form", ["hf", "t5x"])
@pytest.mark.parametrize("added", [(), ("<sep>", "<hl>")])
def test_the_tokenizer_goes_with_it(form: ExportFormat, added: tuple[str, ...], tmp_path: Path):
    pieces = tokenizer(*added)
    directory = exported(SHAPE, from_transformers(state(SHAPE), SHAPE), form, tmp_path, pieces)
    assert read_tokenizer(directory, None, SHAPE.vocab_size).fingerprint == pieces.fingerprint


def test_transformers_is_told_of_every_token(tmp_path: Path):
    directory = exported(SHAPE, from_transformers(state(SHAPE), SHAPE), "hf", tmp_path)
    fields = json.loads((directory / "tokenizer_config.json").read_text())
    ids = {token["content"]: int(number) for number, token in fields["added_tokens_decoder"].items()}
    assert fields["extra_ids"] == 100
    assert (ids["<extra_id_99>"], ids["<extra_id_0>"], ids["<sep>"], ids["<hl>"]) == (45, 144, 145, 146)


def test_a_model_with_a_pointer_head_stays_ours(tmp_path: Path):
    model = SHAPE.model_copy(update={"pointer_head": True})
    for form in ("hf", "t5x"):
        with pytest.raises(ConfigError, match=r"pointer head .* neither transformers nor T5X has"):
            exported(model, from_transformers(state(SHAPE), SHAPE), form, tmp_path)
        assert not (tmp_path / form).exists()


def test_a_start_of_the_relative_bias_is_a_bias_like_any_other(tmp_path: Path):
    """Where training started is seen in the values alone."""
    params = from_transformers(state(SHAPE), SHAPE)
    model = SHAPE.model_copy(update={"locality_start": (1.0, 0.4)})
    read = read_weights(exported(model, params, "hf", tmp_path))
    assert read.model == SHAPE
    assert equal(read.params, params)
