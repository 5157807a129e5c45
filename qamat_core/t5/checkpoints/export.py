"""A checkpoint of ours -> a directory that `transformers` or T5X loads, bit for bit what our readers read again."""

from pathlib import Path
from typing import Literal

from qamat_core.t5.checkpoints import huggingface_export, t5x_export
from qamat_core.t5.checkpoints.tensors import open_safetensors
from qamat_core.tokenizer import Tokenizer
from qamat_core.training.checkpoint import PARAMETERS, load_card
from schemas.errors import ConfigError
from schemas.model import T5Config

ExportFormat = Literal["hf", "t5x"]


def export(checkpoint: Path, tokenizer: Tokenizer, form: ExportFormat, directory: Path) -> None:
    """Write a checkpoint for others.

    Args:
        checkpoint: its directory.
        tokenizer: its tokenizer.
        form: ``hf`` or ``t5x``.
        directory: where it is written; made here.

    Raises:
        ConfigError: the model has parts that no other library has.
        OSError: the directory is there, or cannot be written.
    """
    model = load_card(checkpoint).model
    check_exportable(model)
    weights = open_safetensors([checkpoint / PARAMETERS])
    directory.mkdir()
    if form == "hf":
        huggingface_export.write(directory, weights, model, tokenizer)
    else:
        t5x_export.write(directory, weights, tokenizer)


def check_exportable(model: T5Config) -> None:
    """Raise ``ConfigError`` for a model that `transformers` and T5X have no network for."""
    if model.pointer_head or model.word_match:
        part = "a pointer head (pointer_head)" if model.pointer_head else "weights of words (word_match)"
        raise ConfigError(
            f"its T5 has {part}, which neither transformers nor T5X has: "
            "only a model that started from a public T5 can be exported"
        )
