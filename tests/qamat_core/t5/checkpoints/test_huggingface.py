"""Checkpoints of transformers: what is read is what was saved; what cannot be represented is refused by name."""

import json
from pathlib import Path

import jax
import ml_dtypes
import numpy as np
import pytest

from qamat_core.t5.checkpoints import huggingface
from qamat_core.t5.conversion import from_transformers
from qamat_core.t5.network import T5
from schemas.errors import InputError
from schemas.model import T5Config
from tests.qamat_core.t5.checkpoints.foreign import OLD, SHAPE, config_json, save_huggingface, state
from tests.qamat_core.t5.record_reference import FOLDER


def equal(ours: object, theirs: object) -> bool:
    return all(jax.tree.leaves(jax.tree.map(np.array_equal, ours, theirs)))


@pytest.mark.parametrize("model", [SHAPE, OLD], ids=["1.1", "1.0"])
@pytest.mark.parametrize(
    ("shards", "dtype"),
    [(1, np.float32), (3, np.float32), (1, ml_dtypes.bfloat16), (2, ml_dtypes.bfloat16)],
)
def test_it_is_read_as_it_was_saved(model: T5Config, shards: int, dtype: type, tmp_path: Path):
    weights = state(model)
    read = huggingface.read(save_huggingface(tmp_path, model, weights, shards=shards, dtype=dtype))
    assert read.model == model
    assert {leaf.dtype for leaf in jax.tree.leaves(read.params)} == {np.dtype(np.float32)}
    assert equal(read.params, from_transformers(weights, model))


@pytest.mark.parametrize("variant", ["t5_1_0", "t5_1_1"])
def test_the_logits_are_those_that_transformers_recorded(variant: str, tmp_path: Path):
    with np.load(FOLDER / f"{variant}.npz") as file:
        recorded = dict(file)
    model = T5Config.model_validate_json(str(recorded["config"]))
    weights = {name.removeprefix("weights/"): value for name, value in recorded.items() if name.startswith("weights/")}
    read = huggingface.read(save_huggingface(tmp_path, model, weights, dtype=np.float16))
    logits = T5(read.model).apply({"params": read.params}, recorded["source"], recorded["target"])
    np.testing.assert_allclose(np.asarray(logits), recorded["logits"], rtol=1e-4, atol=1e-5)


def test_transformers_5_ties_without_scaling(tmp_path: Path):
    """It always says ``tie_word_embeddings`` and leaves a tied output layer out of the file."""
    weights = state(SHAPE)
    del weights["lm_head.weight"]
    said = {"tie_word_embeddings": True, "scale_decoder_outputs": False}
    read = huggingface.read(save_huggingface(tmp_path, SHAPE, weights, **said))
    assert read.model == SHAPE
    np.testing.assert_array_equal(read.params["decoder"]["logits_dense"]["kernel"], weights["shared.weight"].T)


def test_aliases_and_the_bias_that_nothing_reads_are_left_out(tmp_path: Path):
    weights = state(OLD)
    again = {f"{stack}.embed_tokens.weight": weights["shared.weight"] for stack in ("encoder", "decoder")}
    unread = {"decoder.block.0.layer.1.EncDecAttention.relative_attention_bias.weight": np.zeros((32, 2), np.float32)}
    output = {"lm_head.weight": weights["shared.weight"]}
    read = huggingface.read(save_huggingface(tmp_path, OLD, weights | again | unread | output))
    assert equal(read.params, from_transformers(weights, OLD))


def test_an_output_layer_against_its_configuration_is_refused(tmp_path: Path):
    weights = state(OLD) | {"lm_head.weight": state(SHAPE)["lm_head.weight"]}
    with pytest.raises(InputError, match=r"lm_head\.weight differs from shared\.weight"):
        huggingface.read(save_huggingface(tmp_path, OLD, weights))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"model_type": "mt5"}, "model_type is 'mt5'; only 't5'"),
        ({"feed_forward_proj": "gated-silu"}, "feed_forward_proj is 'gated-silu'; only relu, gated-gelu"),
        ({"layer_norm_epsilon": 1e-5}, "layer_norm_epsilon is 1e-05"),
        ({"decoder_start_token_id": 2}, "decoder_start_token_id is 2"),
        ({"is_encoder_decoder": False}, "is_encoder_decoder is False"),
        ({"quantization_config": {"bits": 8}}, "quantization_config"),
        ({"num_heads": 0}, "num_heads"),
        ({"d_model": "wide"}, "d_model"),
        ({"d_ff": 21}, r"\(20, 16\).*\(16, 21\)|\(16, 20\).*\(16, 21\)"),
        ({"num_layers": 3}, "missing, the first 'encoder.block.2"),
        ({"num_layers": 1}, "left over, the first 'encoder.block.1"),
    ],
)
def test_what_the_network_cannot_represent_is_named(changes: dict[str, object], reason: str, tmp_path: Path):
    save_huggingface(tmp_path, SHAPE, state(SHAPE), **changes)
    with pytest.raises(InputError, match=reason) as refused:
        huggingface.read(tmp_path)
    assert str(tmp_path) in str(refused.value)
    assert "\n" not in str(refused.value)


QUERY = "encoder.block.0.layer.0.SelfAttention.q.weight"


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        (QUERY, None, f"1 weights are missing, the first '{QUERY}'"),
        (
            "encoder.adapter.weight",
            np.zeros(3, np.float32),
            "1 weights are left over, the first 'encoder.adapter.weight'",
        ),
        (
            QUERY,
            np.zeros((12, 17), np.float32),
            rf"'{QUERY}' as encoder/layers_0/attention/query/kernel is \(17, 12\), the configuration has \(16, 12\)",
        ),
        ("shared.weight", np.zeros((255, 16), np.float32), r"'shared.weight' as .* is \(255, 16\), .* has \(256, 16\)"),
    ],
    ids=["missing", "left over", "wide", "few rows"],
)
def test_a_weight_that_does_not_fit_is_named(name: str, value: np.ndarray | None, reason: str, tmp_path: Path):
    weights = {**state(SHAPE), **({} if value is None else {name: value})}
    if value is None:
        del weights[name]
    save_huggingface(tmp_path, SHAPE, weights)
    with pytest.raises(InputError, match=reason) as refused:
        huggingface.read(tmp_path)
    assert str(tmp_path) in str(refused.value)
    assert "\n" not in str(refused.value)


def test_defaults_of_an_early_configuration():
    fields = {name: config_json(OLD)[name] for name in ("d_model", "d_kv", "d_ff", "num_heads", "vocab_size")}
    model = huggingface.model_config({**fields, "num_layers": 2, "model_type": "t5"}, Path("config.json"))
    assert model == OLD.model_copy(update={"num_decoder_layers": 2})


def test_what_else_a_published_configuration_says_changes_nothing(tmp_path: Path):
    """As FLAN-T5's does."""
    said = {
        "n_positions": 512,
        "is_gated_act": True,
        "dense_act_fn": "gelu_new",
        "output_past": True,
        "use_cache": True,
    }
    assert huggingface.read(save_huggingface(tmp_path, SHAPE, state(SHAPE), **said)).model == SHAPE


def test_pickles_are_refused_with_the_remedy(tmp_path: Path):
    save_huggingface(tmp_path, SHAPE, state(SHAPE))
    (tmp_path / "model.safetensors").rename(tmp_path / "pytorch_model.bin")
    with pytest.raises(InputError, match=r"pickle is not read.*safe_serialization=True"):
        huggingface.read(tmp_path)


def test_damage_is_one_line(tmp_path: Path):
    save_huggingface(tmp_path / "cut", SHAPE, state(SHAPE))
    whole = (tmp_path / "cut" / "model.safetensors").read_bytes()
    (tmp_path / "cut" / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    save_huggingface(tmp_path / "shard", SHAPE, state(SHAPE), shards=3)
    (tmp_path / "shard" / "model-00002-of-00003.safetensors").unlink()
    save_huggingface(tmp_path / "outside", SHAPE, state(SHAPE), shards=2)
    index = {"weight_map": {"shared.weight": "../cut/model.safetensors"}}
    (tmp_path / "outside" / "model.safetensors.index.json").write_text(json.dumps(index))
    save_huggingface(tmp_path / "json", SHAPE, state(SHAPE))
    (tmp_path / "json" / "config.json").write_text("[1]")
    for name, reason in {
        "cut": "copy the checkpoint again",
        "shard": "model-00002-of-00003",
        "outside": "no file beside it",
        "json": "not a JSON object",
    }.items():
        with pytest.raises(InputError, match=reason) as refused:
            huggingface.read(tmp_path / name)
        assert "\n" not in str(refused.value)
