"""Opening what is answered from: an index, what searches its keys, the entries of its memory."""

from typing import Any

import numpy as np

from qamat_core.indexes.device import place_keys
from qamat_core.indexes.protocol import Index
from qamat_core.indexes.updated import Spliced, UpdatedIndex
from qamat_core.qamat.entries import MemoryEntries
from qamat_core.qamat.index import IndexCard, check_encoder
from qamat_core.qamat.search import FrozenMemory
from qamat_core.qamat.searcher import load_card, load_searcher
from qamat_core.store.store import Store
from schemas.artifacts import ArtifactRef
from schemas.errors import IncompatibleArtifactError
from tasks.qamat_stage import OpenCheckpoint, open_index


def open_search(
    store: Store, index: ArtifactRef, checkpoint: OpenCheckpoint, searcher: ArtifactRef | None = None
) -> tuple[FrozenMemory, Index, IndexCard]:
    """Open an index to be answered from; its arrays stay in their files.

    Args:
        store: where it is.
        index: all its entries, or an update.
        checkpoint: what is to search it.
        searcher: of this index, or of the one that it updates; None to search exactly.

    Raises:
        IncompatibleArtifactError: another encoder or tokenizer made the index, or the searcher is of another index.
        CorruptArtifactError: a file is damaged.
    """
    arrays, card = open_index(store, index, checkpoint)
    keys: Any = arrays.keys
    whole = keys.older if isinstance(keys, Spliced) else np.asarray(keys)
    search = place_keys(whole)
    if searcher is not None:
        search = _open_searcher(store, searcher, card.base or index, whole, checkpoint)
    if isinstance(keys, Spliced):
        search = UpdatedIndex(search, place_keys(keys.tail), keys.splice)
    return arrays, search, card


def open_answering(
    store: Store, index: ArtifactRef, checkpoint: OpenCheckpoint, searcher: ArtifactRef | None = None
) -> tuple[FrozenMemory, Index, MemoryEntries]:
    """Open an index to be answered from, as ``open_search`` does, with the entries of its memory.

    Raises:
        IncompatibleArtifactError: as ``open_search``.
        CorruptArtifactError: as ``open_search``.
    """
    arrays, search, card = open_search(store, index, checkpoint, searcher)
    entries = MemoryEntries(store.open_table(card.memory), checkpoint.tokenizer, checkpoint.reader.config)
    return arrays, search, entries


def _open_searcher(
    store: Store, searcher: ArtifactRef, index: ArtifactRef, keys: np.ndarray, checkpoint: OpenCheckpoint
) -> Index:
    directory = store.open_directory(searcher)
    card = load_card(directory)
    check_encoder(card, checkpoint.encoder, checkpoint.tokenizer.fingerprint)
    if card.index.content != index.content:
        raise IncompatibleArtifactError(
            f"{searcher} searches {card.index}, not {index}: run `qamat index build` for it"
        )
    return load_searcher(directory, keys, card)
