"""The vectors of all passages as an artifact: one memory-mapped array, and who made it."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

import jax
import jax.numpy as jnp
import numpy as np
import pyarrow as pa

from qamat_core.passages.dual_encoder import passage_tokens
from qamat_core.qamat.index import EncodedCard, compile_encoder, encoder_part
from qamat_core.qamat.reader import Reader
from qamat_core.store.following import follows
from qamat_core.tokenizer import Tokenizer
from qamat_core.training.checkpoint import Params
from qamat_core.training.mesh import current_mesh, place
from schemas.errors import CorruptArtifactError
from schemas.qamat import IndexConfig, VectorType
from schemas.records import Passage

CARD, VECTORS = "passages.json", "vectors.npy"
_STORED: Final = {"float32": np.dtype(np.float32), "bfloat16": np.dtype(np.uint16)}
"""Type of vectors -> type that the file says it has."""


class VectorsCard(EncodedCard):
    """Which passages were encoded (``memory``), by which encoder."""

    passages: int
    dtype: VectorType

    def save(self, directory: Path) -> None:
        """Write the card beside the array."""
        (directory / CARD).write_text(self.model_dump_json(indent=2) + "\n")


def encode_passages(
    reader: Reader,
    params: Params,
    tokenizer: Tokenizer,
    length: int,
    batches: Iterable[pa.RecordBatch],
    count: int,
    config: IndexConfig,
    directory: Path,
    tell: Callable[[int, int], None],
) -> None:
    """Encode all passages, in the order of their table, into the file of an artifact.

    Several processes encode together; the first writes.

    Args:
        reader: whose encoder it is.
        params: of the reader.
        tokenizer: of the reader.
        length: pieces of a passage.
        batches: rows of ``passages``, at most ``config.batch_size`` each.
        count: how many rows they have.
        config: the batches and the type of the vectors.
        directory: where the file goes; is made.
        tell: hears of (done, total).
    """
    encoder = compile_encoder(reader.model, config, current_mesh())
    weights = jax.tree.map(lambda leaf: place(leaf, encoder.everywhere), encoder_part(params))
    file = None if follows() else _open_file(directory, (count, reader.config.t5.d_model), config.dtype)
    done = 0
    for batch in batches:
        tokens = passage_tokens([Passage(**row) for row in batch.to_pylist()], tokenizer, length)
        padded = np.pad(tokens, ((0, encoder.batch_size - len(tokens)), (0, 0)))
        vectors = np.asarray(encoder.encode(weights, place(padded, encoder.rows)).addressable_data(0))
        if file is not None:
            file[done : done + len(tokens)] = vectors[: len(tokens)].view(file.dtype)
        done += len(tokens)
        tell(done, count)
    if file is not None:
        file.flush()


def load_vectors(directory: Path) -> tuple[np.ndarray, VectorsCard]:
    """Open the vectors, [M, D], memory-mapped.

    Raises:
        CorruptArtifactError: a file is missing or cut short.
    """
    try:
        card = VectorsCard.model_validate_json((directory / CARD).read_text())
        vectors = np.load(directory / VECTORS, "r", allow_pickle=False)
    except (OSError, EOFError, ValueError) as error:
        reason = str(error).partition("\n")[0].partition(". ")[0]  # as qamat_core.qamat.index
        raise CorruptArtifactError(f"{directory}: no vectors of passages ({reason}); encode them again") from error
    return vectors.view(jnp.dtype(card.dtype)), card


def _open_file(directory: Path, shape: tuple[int, int], dtype: VectorType) -> Any:
    directory.mkdir(parents=True, exist_ok=True)
    return np.lib.format.open_memmap(directory / VECTORS, "w+", _STORED[dtype], shape)
