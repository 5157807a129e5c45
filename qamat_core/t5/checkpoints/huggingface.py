"""A directory that `transformers` saved a T5 in: config.json, model.safetensors (or its shards) -> weights.

T5 1.0, 1.1 and FLAN. Torch pickles are refused: opening one runs what it holds.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from qamat_core.t5.checkpoints.tensors import Tensors, open_safetensors
from qamat_core.t5.checkpoints.weights import Weights
from qamat_core.t5.conversion import from_transformers
from schemas.errors import InputError
from schemas.model import EOS_ID, PAD_ID, T5Config

CONFIG, WEIGHTS, INDEX = "config.json", "model.safetensors", "model.safetensors.index.json"
FIXED: Mapping[str, object] = {
    "model_type": "t5",
    "is_encoder_decoder": True,
    "layer_norm_epsilon": 1e-6,
    "pad_token_id": PAD_ID,
    "eos_token_id": EOS_ID,
    "decoder_start_token_id": PAD_ID,
    "quantization_config": None,
}
"""Fields of a config.json that our network has no choice of; one that is absent or null has this value."""
VARIANTS = {"relu": "1.0", "gated-gelu": "1.1"}
"""``feed_forward_proj`` -> our variant."""
OUTPUT, EMBEDDING = "lm_head.weight", "shared.weight"


def read(directory: Path) -> Weights:
    """Read a T5ForConditionalGeneration.

    Raises:
        InputError: a file is missing or damaged, is a pickle, or describes what our network cannot represent.
    """
    fields = read_json(directory / CONFIG)
    model = model_config(fields, directory / CONFIG)
    tied = bool(fields.get("tie_word_embeddings", True))
    try:
        state = output_layer(open_safetensors(weight_files(directory)), model, tied)
        return Weights(model, from_transformers(state, model), {"format": "huggingface"})
    except InputError as error:
        raise InputError(f"{directory}: {error}") from error


def output_layer(state: Tensors, model: T5Config, tied: bool) -> Tensors:
    """Return the weights with the output layer that the model has.

    A layer that is tied but not scaled is one of its own with the embedding's values.

    Raises:
        InputError: the logits are scaled, yet the layer has values of its own.
    """
    if EMBEDDING not in state:
        return state
    if not model.tie_embeddings and tied:
        return Tensors({OUTPUT: state.readers[EMBEDDING], **state.readers})
    if model.tie_embeddings and OUTPUT in state and not np.array_equal(state[OUTPUT], state[EMBEDDING]):
        raise InputError(f"{OUTPUT} differs from {EMBEDDING}, to which {CONFIG} ties it: give the right {CONFIG}")
    return state


def model_config(fields: Mapping[str, Any], file: Path) -> T5Config:
    """Return our configuration for the fields of a config.json.

    The logits of a tied output layer are scaled by d_model^-1/2 unless ``scale_decoder_outputs`` (`transformers` 5,
    which always says ``tie_word_embeddings``) is false.
    """
    for name, value in FIXED.items():
        if fields.get(name) not in (None, value):
            raise InputError(f"{file}: {name} is {fields[name]!r}; only {value!r} can be loaded")
    activation = fields.get("feed_forward_proj", "relu")
    if activation not in VARIANTS:
        raise InputError(f"{file}: feed_forward_proj is {activation!r}; only {', '.join(VARIANTS)} can be loaded")
    try:
        return T5Config.model_validate(
            {
                "variant": VARIANTS[activation],
                "vocab_size": fields["vocab_size"],
                "d_model": fields["d_model"],
                "num_heads": fields["num_heads"],
                "head_dim": fields["d_kv"],
                "d_ff": fields["d_ff"],
                "num_encoder_layers": fields["num_layers"],
                "num_decoder_layers": fields.get("num_decoder_layers") or fields["num_layers"],
                "tie_embeddings": fields.get("scale_decoder_outputs", fields.get("tie_word_embeddings", True)),
                "relative_buckets": fields.get("relative_attention_num_buckets", 32),
                "relative_max_distance": fields.get("relative_attention_max_distance", 128),
            }
        )
    except KeyError as error:
        raise InputError(f"{file}: no field {error}: give the config.json of a T5") from error
    except ValueError as error:
        raise InputError(f"{file}: {' '.join(str(error).split())}") from error


def weight_files(directory: Path) -> list[Path]:
    """Return the safetensors files of a checkpoint.

    Raises:
        InputError: there are none, or the index names one that is not there.
    """
    if (directory / WEIGHTS).is_file():
        return [directory / WEIGHTS]
    if not (directory / INDEX).is_file():
        pickle = "; a torch pickle is not read, as it may run code" * any(directory.glob("*.bin"))
        raise InputError(
            f"{directory}: no {WEIGHTS}{pickle}: save it with `save_pretrained(DIR, safe_serialization=True)`"
        )
    names = sorted(set(read_json(directory / INDEX).get("weight_map", {}).values()))
    for name in names:
        if Path(name).name != name or not (directory / name).is_file():
            raise InputError(f"{directory / INDEX}: names {name!r}, which is no file beside it; copy all shards")
    return [directory / name for name in names]


def read_json(file: Path) -> dict[str, Any]:
    """Read an object of a checkpoint's JSON file. Raises ``InputError`` where there is none."""
    try:
        fields = json.loads(file.read_bytes())
    except (OSError, ValueError) as error:
        raise InputError(f"{file}: not a JSON object; copy the checkpoint again") from error
    if not isinstance(fields, dict):
        raise InputError(f"{file}: not a JSON object; copy the checkpoint again")
    return fields
