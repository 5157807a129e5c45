"""The tokenizer that belongs to a checkpoint: a SentencePiece model, and the tokens that were added to it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from qamat_core.t5.checkpoints.huggingface import read_json
from qamat_core.tokenizer import ADDED_NAME, FILE_NAME, SENTINELS, Tokenizer, read_added
from schemas.errors import InputError

CONFIG, FAST = "tokenizer_config.json", "tokenizer.json"
"""Files of `transformers` in which added tokens may stand, beside ``added_tokens.json``."""

_PADDING: Final = 512
"""An embedding has fewer spare rows than this: its size is rounded up to a multiple of 128 (T5) or a few times that."""


def read_tokenizer(directory: Path, model: Path | None, vocab_size: int) -> Tokenizer:
    """Read a checkpoint's tokenizer.

    Args:
        directory: the checkpoint.
        model: a ``spiece.model`` in another place (T5X keeps none in its checkpoints).
        vocab_size: rows of the checkpoint's embedding; it may have some more than the tokenizer has ids.

    Raises:
        InputError: there is no SentencePiece model, it has other conventions, or another number of ids than the
            checkpoint has rows, padding apart.
    """
    path = model or directory / FILE_NAME
    if not path.exists():
        raise InputError(f"{path}: missing; give the {FILE_NAME} of the T5 that it was made of with --tokenizer")
    pieces = Tokenizer.load(path)
    top = pieces.vocab_size - len(pieces.added)
    added = added_tokens(path if path.is_dir() else directory)
    for token, number in added.items():
        if number < top and token.startswith("<extra_id_") and pieces.encode(token) != [number]:
            raise InputError(f"{directory}: {token} has the id {number}; only T5's own {SENTINELS} can be loaded")
    tokenizer = Tokenizer.load_with(path, {token: number for token, number in added.items() if number >= top})
    if not 0 <= vocab_size - tokenizer.vocab_size < _PADDING:
        raise InputError(
            f"{path}: {tokenizer.vocab_size} ids, but the checkpoint has {vocab_size}: give the {FILE_NAME} of its T5"
        )
    return tokenizer


def added_tokens(directory: Path) -> Mapping[str, int]:
    """Return all tokens with an id of their own that the files of a directory name, sentinels and marks included."""
    added: dict[str, int] = {}
    if (directory / ADDED_NAME).is_file():
        added |= read_added(directory / ADDED_NAME)
    if (directory / CONFIG).is_file():
        known = read_json(directory / CONFIG).get("added_tokens_decoder") or {}
        added |= {str(token["content"]): int(number) for number, token in known.items()}
    if (directory / FAST).is_file():
        known = read_json(directory / FAST).get("added_tokens") or []
        added |= {str(token["content"]): int(token["id"]) for token in known}
    return added


def tokenizer_files(directory: Path, model: Path | None) -> list[Path]:
    """Return the files that ``read_tokenizer`` reads."""
    path = model or directory / FILE_NAME
    folder = path if path.is_dir() else directory
    files = [path / FILE_NAME if path.is_dir() else path, *(folder / name for name in (ADDED_NAME, CONFIG, FAST))]
    return [file for file in files if file.is_file()]
