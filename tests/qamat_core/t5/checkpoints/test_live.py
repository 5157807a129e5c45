"""Checkpoints of transformers as it is now: read without it, they compute what it computes; and it reads ours."""

import json
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from flax.traverse_util import flatten_dict

from qamat_core.t5.checkpoints import huggingface_export
from qamat_core.t5.checkpoints.external import read_weights
from qamat_core.t5.checkpoints.tokenizers import read_tokenizer
from qamat_core.t5.checkpoints.weights import Weights
from qamat_core.t5.network import T5
from qamat_core.tokenizer import Tokenizer
from schemas.model import EOS_ID
from tests.qamat_core.t5.checkpoints.foreign import save_t5x, tokenizer
from tests.qamat_core.t5.record_reference import SHAPE, VARIANTS, build

pytestmark = pytest.mark.live


@pytest.fixture(scope="module", params=VARIANTS)
def model(request: pytest.FixtureRequest) -> Any:
    pytest.importorskip("torch", reason="the live comparison needs the extra `parity`")
    pytest.importorskip("transformers", reason="the live comparison needs the extra `parity`")
    return build(request.param, seed=23)


def logits(read: Weights, source: np.ndarray, target: np.ndarray) -> np.ndarray:
    return np.asarray(T5(read.model).apply({"params": read.params}, jnp.asarray(source), jnp.asarray(target)))


def test_logits_agree_by_both_routes(model: Any, tmp_path: Path):
    import torch  # noqa: PLC0415

    draw = np.random.default_rng(2)
    source, target = (draw.integers(2, SHAPE["vocab_size"], (3, length)) for length in (17, 6))
    with torch.no_grad():
        theirs = model(input_ids=torch.tensor(source), decoder_input_ids=torch.tensor(target)).logits.numpy()
    model.save_pretrained(tmp_path / "one")
    model.save_pretrained(tmp_path / "shards", max_shard_size="20KB")
    assert len(list((tmp_path / "shards").glob("*.safetensors"))) > 1
    one = read_weights(tmp_path / "one")
    t5x = save_t5x(tmp_path / "checkpoint_1", one.params)
    for read in (one, read_weights(tmp_path / "shards"), read_weights(t5x)):
        np.testing.assert_allclose(logits(read, source, target), theirs, rtol=1e-4, atol=1e-5)


def test_bfloat16_is_read_as_transformers_reads_it(model: Any, tmp_path: Path):
    import torch  # noqa: PLC0415
    import transformers  # noqa: PLC0415

    half = transformers.T5ForConditionalGeneration(model.config).to(torch.bfloat16)
    half.save_pretrained(tmp_path)
    theirs = half.state_dict()["encoder.block.1.layer.1.DenseReluDense.wo.weight"].float().numpy()
    read = read_weights(tmp_path)
    np.testing.assert_array_equal(read.params["encoder"]["layers_1"]["mlp"]["wo"]["kernel"], theirs.T)


@pytest.fixture
def again(model: Any, tmp_path: Path) -> Path:
    """The model saved by transformers, read by us and exported, with T5's conventions of a tokenizer."""
    model.save_pretrained(tmp_path / "theirs")
    read = read_weights(tmp_path / "theirs")
    (tmp_path / "again").mkdir()
    flat = flatten_dict(dict(read.params), sep="/")
    huggingface_export.write(tmp_path / "again", flat, read.model, tokenizer("<hl>"))
    return tmp_path / "again"


def test_what_is_exported_is_the_file_that_transformers_saved(again: Path):
    ours, theirs = (folder / "model.safetensors" for folder in (again, again.parent / "theirs"))
    assert ours.read_bytes() == theirs.read_bytes()


def test_transformers_loads_what_is_exported(model: Any, again: Path):
    import torch  # noqa: PLC0415
    import transformers  # noqa: PLC0415

    loaded, told = transformers.T5ForConditionalGeneration.from_pretrained(again, output_loading_info=True)
    assert not any(told.values())
    draw = torch.Generator().manual_seed(4)
    source, target = (torch.randint(2, SHAPE["vocab_size"], (3, length), generator=draw) for length in (17, 6))
    with torch.no_grad():
        ours, theirs = (one(input_ids=source, decoder_input_ids=target).logits for one in (loaded.eval(), model))
        written = loaded.generate(source, max_new_tokens=4, do_sample=False)
    assert torch.equal(ours, theirs)
    assert torch.equal(written, model.generate(source, max_new_tokens=4, do_sample=False))


def test_transformers_loads_the_tokenizer(again: Path):
    import transformers  # noqa: PLC0415

    text, ours = "Holm <hl> lies <extra_id_0> in <extra_id_99> Toronia.", tokenizer("<hl>")
    for theirs in (transformers.AutoTokenizer, transformers.T5Tokenizer):
        loaded = theirs.from_pretrained(again)
        assert loaded(text).input_ids == [*ours.encode(text), EOS_ID]
        assert len(loaded) == ours.vocab_size


def test_t5s_own_tokenizer_goes_out_and_comes_back(again: Path, shared_data: Path):
    import transformers  # noqa: PLC0415

    ours = Tokenizer.load(shared_data / "t5" / "spiece.model")
    (again / "tokenizer").mkdir()
    ours.save(again / "tokenizer")
    fields = huggingface_export.tokenizer_fields(ours)
    (again / "tokenizer" / "tokenizer_config.json").write_text(json.dumps(fields))
    loaded = transformers.AutoTokenizer.from_pretrained(again / "tokenizer")
    loaded.save_pretrained(again / "saved")
    assert loaded("Where is <extra_id_0>?").input_ids == [*ours.encode("Where is <extra_id_0>?"), EOS_ID]
    # What version 5 saves has no spiece.model, but its names of tokens are understood beside one.
    read = read_tokenizer(again / "saved", shared_data / "t5" / "spiece.model", 32_128)
    assert (read.fingerprint, read.vocab_size) == (ours.fingerprint, 32_100)
