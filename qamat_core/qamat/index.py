"""The encoded memory as an artifact: keys, values and value tokens as memory-mapped arrays, and who made them."""

from collections.abc import Callable
from pathlib import Path

import jax
import numpy as np

from qamat_core.qamat.entries import MemoryEntries
from qamat_core.qamat.reader import Reader
from qamat_core.qamat.retriever import encode_cls
from qamat_core.qamat.search import FrozenMemory
from qamat_core.training.checkpoint import Params
from schemas.artifacts import ArtifactRef, Digest
from schemas.base import Frozen
from schemas.errors import CorruptArtifactError, IncompatibleArtifactError

CARD = "index.json"


class IndexCard(Frozen):
    """Which memory was encoded, by which encoder."""

    memory: ArtifactRef
    encoder: Digest
    """Content digest of the checkpoint whose encoder made keys and values."""
    tokenizer: Digest
    """Fingerprint of the tokenizer."""
    entries: int


def encode_entries(
    reader: Reader, params: Params, entries: MemoryEntries, batch_size: int, tell: Callable[[int, int], None]
) -> FrozenMemory:
    """Encode keys and values of all entries in fixed batches; ``tell`` hears of (done, total)."""
    encode = jax.jit(lambda params, tokens: encode_cls(reader.model, params, tokens))
    width = reader.config.t5.d_model
    keys, values = (np.zeros((len(entries), width), np.float32) for _ in range(2))
    for start in range(0, len(entries), batch_size):
        stop = min(start + batch_size, len(entries))
        for tokens, vectors in ((entries.key_tokens, keys), (entries.value_tokens, values)):
            batch = np.zeros((batch_size, tokens.shape[1]), np.int32)
            batch[: stop - start] = tokens[start:stop]
            vectors[start:stop] = np.asarray(encode(params, batch))[: stop - start]
        tell(stop, len(entries))
    return FrozenMemory(keys, values, entries.value_tokens)


def save_index(directory: Path, memory: FrozenMemory, card: IndexCard) -> None:
    """Write arrays and card into a directory."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, array in memory._asdict().items():
        np.save(directory / f"{name}.npy", np.asarray(array), allow_pickle=False)
    (directory / CARD).write_text(card.model_dump_json(indent=2) + "\n")


def load_index(directory: Path) -> tuple[FrozenMemory, IndexCard]:
    """Open an index; its arrays are memory-mapped."""
    try:
        card = IndexCard.model_validate_json((directory / CARD).read_text())
        arrays = {
            name: np.load(directory / f"{name}.npy", mmap_mode="r", allow_pickle=False) for name in FrozenMemory._fields
        }
    except (OSError, EOFError, ValueError) as error:
        reason = str(error).partition("\n")[0]
        raise CorruptArtifactError(f"{directory}: not an index ({reason}); build it again") from error
    return FrozenMemory(**arrays), card


def check_encoder(card: IndexCard, encoder: Digest, tokenizer: Digest) -> None:
    """Refuse an index that another encoder or tokenizer made.

    Raises:
        IncompatibleArtifactError: names both.
    """
    for part, theirs, ours in (("encoder", card.encoder, encoder), ("tokenizer", card.tokenizer, tokenizer)):
        if theirs != ours:
            raise IncompatibleArtifactError(
                f"the index of {card.memory} was made by {part} {theirs[:16]}, the checkpoint was trained with "
                f"{ours[:16]}: build the index with that {part}"
            )
