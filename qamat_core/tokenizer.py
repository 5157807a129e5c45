"""SentencePiece with T5's conventions: pad 0, eos 1, unk 2, and 100 sentinels on top of the pieces.

``<extra_id_0>`` has the highest id, ``<extra_id_99>`` the lowest of the sentinels, as in T5. QAMAT uses
``<extra_id_0>`` as [MASK] (more masks: ``<extra_id_1>``, ...) and ``<extra_id_99>`` as [CLS]. Tokens that somebody
added to a public tokenizer (``<hl>``) have the ids above the sentinels; ``added_tokens.json`` beside the model holds
them, as in `transformers`.
"""

import hashlib
import io
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import sentencepiece as spm
from jaxtyping import Int32
from pydantic import TypeAdapter

from schemas.errors import ConfigError, InputError
from schemas.model import EOS_ID, PAD_ID
from schemas.training import TokenizerConfig

UNK_ID = 2
SENTINELS = 100
MASK = "<extra_id_0>"
CLS = "<extra_id_99>"
UNKNOWN = "<unk>"
"""How an id without a text is written: a row of T5's embedding that only fills it up to a multiple of 128."""
FILE_NAME, ADDED_NAME = "spiece.model", "added_tokens.json"

_SENTINEL = r"<extra_id_\d{1,2}>"


def train_sentencepiece(texts: Iterable[str], config: TokenizerConfig) -> bytes:
    """Train a SentencePiece model and return its serialised form; the same texts give the same bytes."""
    model = io.BytesIO()
    try:
        spm.SentencePieceTrainer.Train(
            sentence_iterator=iter(texts),
            model_writer=model,
            vocab_size=config.vocab_size,
            model_type=config.model_type,
            user_defined_symbols=list(config.own_pieces),
            pad_id=PAD_ID,
            eos_id=EOS_ID,
            unk_id=UNK_ID,
            bos_id=-1,
            character_coverage=0.9999,
            normalization_rule_name="nmt_nfkc_cf" if config.fold_case else "nmt_nfkc",
            num_threads=1,
            minloglevel=2,
        )
    except RuntimeError as error:
        reason = str(error).splitlines()[-1]
        raise ConfigError(
            f"tokenizer with {config.vocab_size} pieces: {reason}; give fewer pieces or more text"
        ) from error
    return model.getvalue()


class Tokenizer:
    """Text to ids and back."""

    def __init__(self, model: bytes, added: Sequence[str] = ()) -> None:
        self._model = model
        self._pieces = spm.SentencePieceProcessor()
        self._pieces.LoadFromSerializedProto(model)
        self.added = tuple(added)
        """Tokens above the sentinels, in the order of their ids."""
        top = self._pieces.GetPieceSize() + SENTINELS
        own = {f"<extra_id_{number}>": top - 1 - number for number in range(SENTINELS)}
        self._ids = own | {token: top + place for place, token in enumerate(self.added)}
        self._texts = {number: token for token, number in self._ids.items()}
        longest_first = sorted(map(re.escape, self.added), key=len, reverse=True)
        self._own = re.compile(f"({'|'.join([_SENTINEL, *longest_first])})")

    @classmethod
    def load(cls, path: Path) -> "Tokenizer":
        """Load a ``.model`` file, T5's own ``spiece.model`` included, or a tokenizer artifact's directory.

        Raises:
            InputError: the file is missing, is no SentencePiece model, or has other ids for pad, eos and unk.
        """
        added = path / ADDED_NAME
        return cls.load_with(path, read_added(added) if added.is_file() else {})

    @classmethod
    def load_with(cls, path: Path, added: Mapping[str, int]) -> "Tokenizer":
        """Load as ``load`` does, with added tokens and their ids.

        Raises:
            InputError: as ``load``; or the ids of added tokens do not follow upon the sentinels'.
        """
        file = path / FILE_NAME if path.is_dir() else path
        try:
            tokenizer = cls(file.read_bytes(), sorted(added, key=lambda token: added[token]))
        except (OSError, RuntimeError) as error:
            raise InputError(f"{file}: not a SentencePiece model; give a spiece.model file") from error
        pieces = tokenizer._pieces
        if (pieces.PieceToId("<pad>"), pieces.PieceToId("</s>"), pieces.PieceToId("<unk>")) != (PAD_ID, EOS_ID, UNK_ID):
            raise InputError(f"{file}: pad, eos and unk are not 0, 1 and 2; train it with T5's conventions")
        for token, number in added.items():
            if tokenizer._ids[token] != number:
                raise InputError(
                    f"{file}: the added token {token!r} has the id {number} instead of {tokenizer._ids[token]}; "
                    "added tokens follow upon the pieces and 100 sentinels: give the spiece.model that they belong to"
                )
        return tokenizer

    def save(self, directory: Path) -> None:
        """Write ``spiece.model``, and ``added_tokens.json`` if there are any, into a directory."""
        directory.mkdir(parents=True, exist_ok=True)
        (directory / FILE_NAME).write_bytes(self._model)
        if self.added:
            ids = {token: self._ids[token] for token in self.added}
            (directory / ADDED_NAME).write_text(json.dumps(ids, indent=2) + "\n")

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the serialised model and the added tokens."""
        return hashlib.sha256(self._model + "".join(f"\n{token}" for token in self.added).encode()).hexdigest()

    @cached_property
    def vocab_size(self) -> int:
        """Pieces, sentinels and added tokens."""
        return self._pieces.GetPieceSize() + SENTINELS + len(self.added)

    @cached_property
    def dtype(self) -> np.dtype[Any]:
        """The smallest unsigned type that all ids fit in."""
        return np.min_scalar_type(self.vocab_size - 1)

    def sentinel(self, number: int) -> int:
        """Return the id of ``<extra_id_number>``."""
        return self._ids[f"<extra_id_{number}>"]

    def encode(self, text: str) -> list[int]:
        """Return the ids of a text without eos; ``<extra_id_k>`` and added tokens inside the text have their own."""
        ids: list[int] = []
        for part in self._own.split(text):
            if part in self._ids:
                ids.append(self._ids[part])
            elif part.strip():
                ids.extend(self._pieces.Encode(part))
        return ids

    def offsets(self, text: str) -> list[tuple[int, int]]:
        """Return where each id of ``encode`` stands in the text: its first character, and that behind its last.

        White space before a word belongs to its piece.
        """
        places: list[tuple[int, int]] = []
        begin = 0
        for part in self._own.split(text):
            if part in self._ids:
                places.append((begin, begin + len(part)))
            elif part.strip():
                pieces = self._pieces.EncodeAsImmutableProto(part).pieces
                places.extend((begin + piece.begin, begin + piece.end) for piece in pieces)
            begin += len(part)
        return places

    def encode_batch(self, texts: Sequence[str], length: int, *, eos: bool = False) -> Int32[np.ndarray, "B L"]:
        """Return a batch padded and cut to ``length``; with ``eos`` the last kept id is eos."""
        return pad_rows(self._cut(texts, length, eos), length)

    def encode_table(self, texts: Sequence[str], length: int, *, eos: bool = False) -> Int32[np.ndarray, "B L"]:
        """Return all rows of a table as ``encode_batch`` does, without columns that no row needs (``fit_rows``)."""
        return fit_rows(self._cut(texts, length, eos), length)

    def _cut(self, texts: Sequence[str], length: int, eos: bool) -> list[list[int]]:
        return [self.encode(text)[: length - eos] + [EOS_ID] * eos for text in texts]

    def decode(self, ids: Iterable[int]) -> str:
        """Return the text up to the first eos; pads are skipped, sentinels written ``<extra_id_k>``, added tokens as
        they are, and ids that the tokenizer does not have as ``<unk>``.
        """
        texts: list[str] = []
        pieces: list[int] = []
        size = self._pieces.GetPieceSize()
        for token in map(int, ids):
            if token == EOS_ID:
                break
            if token >= size:
                texts += [self._pieces.Decode(pieces), self._texts.get(token, UNKNOWN)]
                pieces = []
            elif token != PAD_ID:
                pieces.append(token)
        return " ".join(text for text in [*texts, self._pieces.Decode(pieces)] if text)


def read_added(file: Path) -> dict[str, int]:
    """Read the tokens and ids of an ``added_tokens.json``.

    Raises:
        InputError: it is no object of tokens with their ids.
    """
    try:
        return TypeAdapter(dict[str, int]).validate_json(file.read_bytes())
    except (OSError, ValueError) as error:
        raise InputError(f"{file}: no JSON object of tokens and their ids; save the tokenizer again") from error


Rows = Sequence[Sequence[int] | Int32[np.ndarray, " N"]]


def fit_rows(rows: Rows, length: int) -> Int32[np.ndarray, "B L"]:
    """Return rows of ids padded to ``fit_width``."""
    return pad_rows(rows, fit_width(max(map(len, rows), default=0), length))


def fit_width(longest: int, length: int) -> int:
    """Return what the longest row needs, rounded up to a multiple of 4, at most ``length``."""
    return max(1, min(length, -(-longest // 4) * 4))


def pad_rows(rows: Rows, length: int) -> Int32[np.ndarray, "B L"]:
    """Return rows of ids padded to ``length``."""
    batch = np.full((len(rows), length), PAD_ID, np.int32)
    for padded, row in zip(batch, rows, strict=True):
        padded[: len(row)] = row
    return batch
