"""Parameters -> a directory as `transformers` saves a T5 in: weights, configurations, tokenizer.

Versions 4 and 5 read it alike: both ``tie_word_embeddings`` (4) and ``scale_decoder_outputs`` (5) say whether the
output layer is tied and scaled, and one that is not tied stands in the file.
"""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from qamat_core.t5.checkpoints.huggingface import CONFIG, FIXED, VARIANTS, WEIGHTS
from qamat_core.t5.checkpoints.tokenizers import CONFIG as TOKENIZER_CONFIG
from qamat_core.t5.conversion import to_transformers
from qamat_core.tokenizer import SENTINELS, UNKNOWN, Tokenizer
from schemas.model import T5Config

GENERATION_CONFIG = "generation_config.json"
_IDS = ("pad_token_id", "eos_token_id", "decoder_start_token_id")


def write(directory: Path, weights: Mapping[str, np.ndarray], model: T5Config, tokenizer: Tokenizer) -> None:
    """Write a T5ForConditionalGeneration with its tokenizer.

    Args:
        directory: is there and empty.
        weights: float32 parameters by their T5X paths, asked for one at a time: one copy of them is in memory.
        model: their shape.
        tokenizer: has at most ``model.vocab_size`` ids.
    """
    state = dict(to_transformers(weights, model))
    save_file(state, directory / WEIGHTS, {"format": "pt"})
    _write_json(directory / CONFIG, config_fields(model))
    _write_json(directory / GENERATION_CONFIG, {name: FIXED[name] for name in _IDS})
    tokenizer.save(directory)
    _write_json(directory / TOKENIZER_CONFIG, tokenizer_fields(tokenizer))


def config_fields(model: T5Config) -> dict[str, object]:
    """Return the fields of a config.json: the inverse of ``huggingface.model_config``."""
    return {
        **{name: value for name, value in FIXED.items() if value is not None},
        "architectures": ["T5ForConditionalGeneration"],
        "feed_forward_proj": next(theirs for theirs, variant in VARIANTS.items() if variant == model.variant),
        "vocab_size": model.vocab_size,
        "d_model": model.d_model,
        "num_heads": model.num_heads,
        "d_kv": model.head_dim,
        "d_ff": model.d_ff,
        "num_layers": model.num_encoder_layers,
        "num_decoder_layers": model.num_decoder_layers,
        "tie_word_embeddings": model.tie_embeddings,
        "scale_decoder_outputs": model.tie_embeddings,
        "relative_attention_num_buckets": model.relative_buckets,
        "relative_attention_max_distance": model.relative_max_distance,
        "torch_dtype": "float32",
    }


def tokenizer_fields(tokenizer: Tokenizer) -> dict[str, object]:
    """Return the fields of a tokenizer_config.json: T5's sentinels, and the tokens that were added above them."""
    sentinels = [f"<extra_id_{number}>" for number in range(SENTINELS)]
    own = {sentinel: tokenizer.sentinel(number) for number, sentinel in enumerate(sentinels)}
    base = tokenizer.vocab_size - len(tokenizer.added)
    ids = own | {token: base + place for place, token in enumerate(tokenizer.added)}
    flags = {"lstrip": False, "rstrip": False, "normalized": False, "single_word": False}
    return {
        "tokenizer_class": "T5Tokenizer",
        "pad_token": "<pad>",
        "eos_token": "</s>",
        "unk_token": UNKNOWN,
        "extra_ids": SENTINELS,
        "additional_special_tokens": sentinels,
        "added_tokens_decoder": {
            str(number): {"content": token, **flags, "special": token in own}
            for token, number in sorted(ids.items(), key=lambda item: item[1])
        },
    }


def _write_json(file: Path, fields: Mapping[str, object]) -> None:
    file.write_text(json.dumps(fields, indent=2, ensure_ascii=False) + "\n")
