"""The encoded memory as an artifact: keys, values and value tokens as memory-mapped arrays, and who made them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from jaxtyping import Array, UInt

from qamat_core.indexes.splice import Splice
from qamat_core.indexes.updated import Spliced
from qamat_core.qamat.entries import EntryTokens
from qamat_core.qamat.reader import Reader
from qamat_core.qamat.retriever import encode_cls
from qamat_core.qamat.search import FrozenMemory
from qamat_core.store.following import follows
from qamat_core.t5.network import T5
from qamat_core.training.checkpoint import Params
from qamat_core.training.mesh import current_mesh, place
from qamat_core.training.partitioning import AXES
from qamat_core.training.processes import same_everywhere
from schemas.artifacts import ArtifactRef, Digest
from schemas.base import Frozen
from schemas.errors import CorruptArtifactError, IncompatibleArtifactError
from schemas.qamat import IndexConfig, VectorType

CARD, SPLICE = "index.json", "splice.npy"
KEEP_EVERY = 64
"""Batches after which what is encoded need not be encoded again."""
BUCKET: Final = 8
"""Lengths of batches are multiples of this many pieces."""
_COPIED: Final = 65536
"""Rows that are copied at a time."""
_STORED: Final = {"float32": np.dtype(np.float32), "bfloat16": np.dtype(np.uint16)}
"""Type of vectors -> type that the files say they have."""


class EncodedCard(Frozen):
    """Which memory was encoded, by which encoder."""

    memory: ArtifactRef
    encoder: Digest
    """Content digest of the checkpoint whose encoder made keys and values."""
    tokenizer: Digest
    """Fingerprint of the tokenizer."""


class IndexCard(EncodedCard):
    """What an index holds."""

    entries: int
    dtype: VectorType
    """The type of keys and values; NumPy's files know no bfloat16 and say uint16."""
    base: ArtifactRef | None = None
    """The index of an older version that this one updates: its own arrays are those of the tail, and ``splice.npy``
    says which entries come from where. None for an index that has all its entries."""
    older: int = 0
    """Entries of ``base``."""

    def save(self, directory: Path) -> None:
        """Write the card beside the arrays."""
        (directory / CARD).write_text(self.model_dump_json(indent=2) + "\n")


class Encoder(NamedTuple):
    """What encodes batches on a mesh."""

    encode: Callable[[Params, Array], Array]
    """(parameters, tokens [B, L]) -> vectors [B, D], whole on every device."""
    batch_size: int
    """B: the configured one, rounded up to what the devices divide."""
    everywhere: NamedSharding
    """Where parameters are."""
    rows: NamedSharding
    """Where tokens are."""


def compile_encoder(model: T5, config: IndexConfig, mesh: Mesh) -> Encoder:
    """Return the compiled encoder of a batch: every device of the mesh has all parameters and encodes its rows."""
    rows, everywhere = NamedSharding(mesh, PartitionSpec(AXES)), NamedSharding(mesh, PartitionSpec())

    def encode(params: Params, tokens: Array) -> Array:
        return encode_cls(model, params, tokens).astype(config.dtype)

    return Encoder(
        jax.jit(encode, in_shardings=(everywhere, rows), out_shardings=everywhere),
        config.batch_size + -config.batch_size % mesh.size,
        everywhere,
        rows,
    )


def encoder_part(params: Params) -> Params:
    """Return the parameters that encoding needs: all but the decoder's."""
    return {name: part for name, part in params.items() if name != "decoder"}


def encode_entries(
    reader: Reader,
    params: Params,
    tokens: EntryTokens,
    config: IndexConfig,
    directory: Path,
    tell: Callable[[int, int], None],
) -> None:
    """Encode keys and values in fixed batches and write them, with the value tokens, into the files of an index.

    A batch has entries of about equal lengths, so that little of it is padding: values by their buckets of length, then
    in the order of the memory. What is made of an entry is written into its row.

    A batch is divided over all devices of the mesh. Several processes encode together; the first writes. What a killed
    run had finished is kept.

    Args:
        reader: whose encoder it is.
        params: of the reader.
        tokens: of all M entries.
        config: the batches and the type of the vectors.
        directory: where the files go.
        tell: hears of (done, total).
    """
    encoder = compile_encoder(reader.model, config, current_mesh())
    weights = jax.tree.map(lambda leaf: place(leaf, encoder.everywhere), encoder_part(params))
    count = len(tokens.keys)
    done = directory.with_suffix(".done")
    there = done.exists() and directory.exists()  # a run that was killed when it had placed the index left none here
    begin = same_everywhere(int(done.read_text()) if there else 0)
    shape = (count, reader.config.t5.d_model)
    files = None if follows() else _open_files(directory, shape, config, tokens.values, "r+" if begin else "w+")
    order = np.argsort(_widths(tokens.values), kind="stable")
    for number, start in enumerate(range(begin, count, encoder.batch_size), start=1):
        stop = min(start + encoder.batch_size, count)
        rows = order[start:stop]
        spare = ((0, encoder.batch_size - len(rows)), (0, 0))
        batches = [np.pad(_trimmed(part[rows]).astype(np.int32), spare) for part in tokens]
        made = [encoder.encode(weights, place(batch, encoder.rows)) for batch in batches]
        if files:
            for file, part in zip(files[:2], made, strict=True):
                file[rows] = np.asarray(part.addressable_data(0))[: len(rows)].view(file.dtype)
            files.value_tokens[rows] = tokens.values[rows]
            if number % KEEP_EVERY == 0:
                _keep(files, stop, done)
        tell(stop, count)


def _widths(tokens: UInt[np.ndarray, "M L"]) -> UInt[np.ndarray, " M"]:
    """Return the bucket of each row's length."""
    lengths = np.zeros(len(tokens), np.uint16)
    for start in range(0, len(tokens), _COPIED):
        lengths[start : start + _COPIED] = np.count_nonzero(tokens[start : start + _COPIED], axis=1)
    return (lengths + BUCKET - 1) // BUCKET


def _trimmed(tokens: UInt[np.ndarray, "B L"]) -> UInt[np.ndarray, "B L"]:
    """Return a batch without the padding behind the bucket of its longest row."""
    return tokens[:, : max(1, int(_widths(tokens).max())) * BUCKET]


def _keep(files: "_Files", rows: int, done: Path) -> None:
    for file in files:
        file.flush()
    temporary = done.with_suffix(".tmp")
    temporary.write_text(f"{rows}\n")
    temporary.replace(done)


class _Files(NamedTuple):
    """The arrays of an index that is written: what is written into them is written into the files."""

    keys: np.memmap[Any, Any]
    values: np.memmap[Any, Any]
    value_tokens: np.memmap[Any, Any]


def _open_files(
    directory: Path,
    shape: tuple[int, int],
    config: IndexConfig,
    value_tokens: UInt[np.ndarray, "M V"],
    mode: Literal["r+", "w+"],
) -> _Files:
    directory.mkdir(parents=True, exist_ok=True)

    def opened(name: str, kind: np.dtype[Any], extent: tuple[int, ...]) -> Any:
        return np.lib.format.open_memmap(directory / f"{name}.npy", mode, kind, extent)

    keys, values = (opened(name, _STORED[config.dtype], shape) for name in ("keys", "values"))
    return _Files(keys, values, opened("value_tokens", value_tokens.dtype, value_tokens.shape))


def load_index(
    directory: Path, open_base: Callable[[ArtifactRef], Path] | None = None
) -> tuple[FrozenMemory, IndexCard]:
    """Open an index; its arrays are memory-mapped, those of an update together with what it updates.

    Args:
        directory: of the index.
        open_base: gives the directory of what an update updates.

    Raises:
        CorruptArtifactError: a file is missing or cut short.
    """
    arrays, card = _load_arrays(directory)
    if card.base is None:
        return arrays, card
    assert open_base is not None, "an update is opened with what it updates"
    older, _ = _load_arrays(open_base(card.base))
    splice = load_splice(directory, card)
    parts = (Spliced(np.asarray(old), np.asarray(new), splice) for old, new in zip(older, arrays, strict=True))
    return FrozenMemory(*parts), card  # pyright: ignore[reportArgumentType]


def load_splice(directory: Path, card: IndexCard) -> Splice:
    """Return where the entries of an update come from."""
    starts, sources = np.load(directory / SPLICE, allow_pickle=False)
    return Splice(starts, sources, card.entries, card.older)


def save_splice(splice: Splice, directory: Path) -> None:
    """Write where the entries of an update come from beside its arrays."""
    np.save(directory / SPLICE, np.stack([splice.starts, splice.sources]), allow_pickle=False)


def copy_arrays(arrays: FrozenMemory, directory: Path, tell: Callable[[int], None]) -> None:
    """Write the arrays of an index into files, some rows at a time; ``tell`` hears how many are done."""
    directory.mkdir(parents=True, exist_ok=True)
    stored = [_STORED.get(str(part.dtype), np.dtype(part.dtype)) for part in arrays]
    files = [
        np.lib.format.open_memmap(directory / f"{name}.npy", "w+", kind, part.shape)
        for name, part, kind in zip(FrozenMemory._fields, arrays, stored, strict=True)
    ]
    for start in range(0, len(arrays.keys), _COPIED):
        rows = slice(start, start + _COPIED)
        for file, part in zip(files, arrays, strict=True):
            file[rows] = np.asarray(part[rows]).view(file.dtype)
        tell(min(rows.stop, len(arrays.keys)))
    for file in files:
        file.flush()


def load_card(directory: Path) -> IndexCard:
    """Open the card of an index.

    Raises:
        CorruptArtifactError: there is none.
    """
    try:
        return IndexCard.model_validate_json((directory / CARD).read_text())
    except (OSError, ValueError) as error:
        raise _not_an_index(directory, error) from error


def _not_an_index(directory: Path, error: Exception) -> CorruptArtifactError:
    reason = str(error).partition("\n")[0].partition(". ")[0]  # numpy goes on: how to unpickle it all the same
    return CorruptArtifactError(f"{directory}: not an index ({reason}); build it again")


def _load_arrays(directory: Path) -> tuple[FrozenMemory, IndexCard]:
    card = load_card(directory)
    try:
        files = [np.load(directory / f"{name}.npy", "r", allow_pickle=False) for name in FrozenMemory._fields]
    except (OSError, EOFError, ValueError) as error:
        raise _not_an_index(directory, error) from error
    keys, values, value_tokens = files
    dtype = jnp.dtype(card.dtype)
    return FrozenMemory(keys.view(dtype), values.view(dtype), value_tokens), card


def check_encoder(card: EncodedCard, encoder: Digest, tokenizer: Digest) -> None:
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
