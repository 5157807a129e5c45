"""Small T5 checkpoints as transformers and T5X save them, written here without either."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import ml_dtypes
import numpy as np
import tensorstore
from flax.serialization import msgpack_serialize
from flax.traverse_util import flatten_dict, unflatten_dict
from safetensors.numpy import save_file

from qamat_core.tokenizer import Tokenizer, train_sentencepiece
from schemas.model import T5Config
from schemas.training import TokenizerConfig

TEXTS = [f"{name} lies in {place}. Is it old?" for name in ("Holm", "Bolgrad", "Dral") for place in ("Toronia", "X")]
SHAPE = T5Config(
    variant="1.1",
    vocab_size=256,
    d_model=16,
    num_heads=2,
    head_dim=6,
    d_ff=20,
    num_encoder_layers=2,
    num_decoder_layers=1,
    tie_embeddings=False,
)
OLD = SHAPE.model_copy(update={"variant": "1.0", "tie_embeddings": True})
State = dict[str, np.ndarray]


def tokenizer(*added: str) -> Tokenizer:
    """A tokenizer of 45 pieces, 100 sentinels and added tokens."""
    return Tokenizer(train_sentencepiece(TEXTS, TokenizerConfig(vocab_size=45)), added)


def state(model: T5Config, seed: int = 0) -> State:
    """Random weights by the names that transformers gives them, each as ``torch.nn.Linear`` holds it: [out, in]."""
    width = model.num_heads * model.head_dim
    shapes: dict[str, tuple[int, ...]] = {"shared.weight": (model.vocab_size, model.d_model)}
    if not model.tie_embeddings:
        shapes["lm_head.weight"] = (model.vocab_size, model.d_model)
    for stack, layers in (("encoder", model.num_encoder_layers), ("decoder", model.num_decoder_layers)):
        shapes[f"{stack}.final_layer_norm.weight"] = (model.d_model,)
        attentions = ["SelfAttention", "EncDecAttention"][: 1 + (stack == "decoder")]
        bias = f"{stack}.block.0.layer.0.SelfAttention.relative_attention_bias.weight"
        shapes[bias] = (model.relative_buckets, model.num_heads)
        for block in range(layers):
            for number, attention in enumerate(attentions):
                place = f"{stack}.block.{block}.layer.{number}"
                shapes |= {f"{place}.{attention}.{letter}.weight": (width, model.d_model) for letter in "qkv"}
                shapes[f"{place}.{attention}.o.weight"] = (model.d_model, width)
                shapes[f"{place}.layer_norm.weight"] = (model.d_model,)
            place = f"{stack}.block.{block}.layer.{len(attentions)}"
            shapes[f"{place}.layer_norm.weight"] = (model.d_model,)
            for name in ("wi",) if model.variant == "1.0" else ("wi_0", "wi_1"):
                shapes[f"{place}.DenseReluDense.{name}.weight"] = (model.d_ff, model.d_model)
            shapes[f"{place}.DenseReluDense.wo.weight"] = (model.d_model, model.d_ff)
    draw = np.random.default_rng(seed)
    # Representable in half precision, whatever the files hold.
    return {
        name: draw.normal(0.4, 0.3, shape).astype(ml_dtypes.bfloat16).astype(np.float32)
        for name, shape in shapes.items()
    }


def config_json(model: T5Config, **changes: object) -> dict[str, object]:
    """The config.json of a model, as transformers before version 5 wrote it."""
    fields = {
        "model_type": "t5",
        "architectures": ["T5ForConditionalGeneration"],
        "d_model": model.d_model,
        "d_kv": model.head_dim,
        "d_ff": model.d_ff,
        "num_heads": model.num_heads,
        "num_layers": model.num_encoder_layers,
        "num_decoder_layers": model.num_decoder_layers,
        "vocab_size": model.vocab_size,
        "relative_attention_num_buckets": model.relative_buckets,
        "feed_forward_proj": "relu" if model.variant == "1.0" else "gated-gelu",
        "tie_word_embeddings": model.tie_embeddings,
        "layer_norm_epsilon": 1e-6,
        "is_encoder_decoder": True,
        "decoder_start_token_id": 0,
        "pad_token_id": 0,
        "eos_token_id": 1,
        "dropout_rate": 0.1,
    }
    return fields | changes


def save_huggingface(
    directory: Path, model: T5Config, weights: State, *, shards: int = 1, dtype: Any = np.float32, **changes: object
) -> Path:
    """Write config.json and safetensors, in one file or several with an index."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "config.json").write_text(json.dumps(config_json(model, **changes)))
    typed = {name: value.astype(dtype) for name, value in weights.items()}
    if shards == 1:
        save_file(typed, directory / "model.safetensors", {"format": "pt"})
        return directory
    places = {name: f"model-{number % shards + 1:05}-of-{shards:05}.safetensors" for number, name in enumerate(typed)}
    for file in set(places.values()):
        save_file({name: typed[name] for name in typed if places[name] == file}, directory / file, {"format": "pt"})
    index = {"metadata": {"total_size": 0}, "weight_map": places}
    (directory / "model.safetensors.index.json").write_text(json.dumps(index))
    return directory


def save_t5x(
    directory: Path,
    params: Mapping[str, Any],
    *,
    layout: Literal["", "no optimizer", "flat"] = "",
    dtype: str = "float32",
    driver: str = "file",
    inline: tuple[str, ...] = ("scale", "rel_embedding"),
) -> Path:
    """Write a checkpoint as T5X does, version 3 (version 2 with ``dtype="uint16"``, version 0 without "optimizer")."""
    directory.mkdir(parents=True)
    leaves: dict[str, object] = {}
    for path, value in flatten_dict(dict(params), sep="/").items():
        kept = path.rsplit("/", 1)[-1] in inline
        leaves[f"target/{path}"] = (
            np.asarray(value) if kept else _zarr(directory, path, np.asarray(value), dtype, driver)
        )
    step = {"step": np.int32(1_000_000), "param_states": {"encoder": {"v_row": np.zeros((1,), np.float32)}}}
    tree = {**unflatten_dict(leaves, sep="/"), "state": step}
    contents = {"": {"version": 3, "optimizer": tree}, "no optimizer": tree, "flat": leaves}[layout]
    (directory / "checkpoint").write_bytes(msgpack_serialize(contents))
    return directory


def _zarr(directory: Path, path: str, value: np.ndarray, dtype: str, driver: str) -> dict[str, object]:
    """Write one array; return its specification as it stands in the msgpack, its path relative."""
    name = f"target/{path}".replace("/", ".")
    chunks = [-(-size // 2) for size in value.shape]
    compressor = {"id": "gzip", "level": 1}
    metadata = {"shape": list(value.shape), "chunks": chunks, "compressor": compressor}
    spec = {"driver": "zarr", "dtype": dtype, "metadata": metadata}
    store = {"driver": "file", "path": str(directory / name)}
    stored = value.astype(ml_dtypes.bfloat16).view(np.uint16) if dtype == "uint16" else value.astype(np.dtype(dtype))
    tensorstore.open({**spec, "kvstore": store}, create=True, open=True).result().write(stored).result()
    bucket = {"bucket": "t5x-dummy-bucket"} if driver == "gcs" else {}
    return {**spec, "kvstore": {"driver": driver, "path": name, **bucket}}
