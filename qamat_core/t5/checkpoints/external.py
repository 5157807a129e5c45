"""A T5 checkpoint that was made elsewhere, of whatever format: which reader it needs, which files it is."""

from pathlib import Path

from qamat_core.t5.checkpoints import huggingface, t5x
from qamat_core.t5.checkpoints.weights import Weights
from schemas.errors import InputError


def read_weights(directory: Path) -> Weights:
    """Read a checkpoint of `transformers` (safetensors) or T5X.

    Raises:
        InputError: it is neither, it is damaged, or our network cannot represent it.
    """
    return (t5x if _is_t5x(directory) else huggingface).read(directory)


def weight_files(directory: Path) -> list[Path]:
    """Return the files that ``read_weights`` reads, in order."""
    if _is_t5x(directory):
        return t5x.files(directory)
    return [directory / huggingface.CONFIG, *huggingface.weight_files(directory)]


def _is_t5x(directory: Path) -> bool:
    if (directory / huggingface.CONFIG).is_file():
        return False
    if (directory / t5x.FILE).is_file():
        return True
    raise InputError(
        f"{directory}: neither a checkpoint of transformers ({huggingface.CONFIG}, {huggingface.WEIGHTS}) nor one of "
        f"T5X (a file '{t5x.FILE}'); give its directory"
    )
