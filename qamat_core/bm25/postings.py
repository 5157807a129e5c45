"""The index on disk: one .npy file an array, mapped into memory when it is opened.

Texts are cut into blocks of at most 65,536 in the order of their rows. A block has its own sorted terms with their
postings (for adding up term by term) and, text by text, the terms of each of its texts (for finishing one text).
Weights hold everything but the query: idf, saturation and length.
"""

from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

BLOCK_ROWS: Final = 65536

_TYPES: Final = {
    "row_starts": np.int64,
    "term_starts": np.int64,
    "terms": np.int32,
    "tops": np.float32,
    "list_starts": np.int64,
    "list_rows": np.uint16,
    "list_weights": np.float32,
    "text_starts": np.int64,
    "text_terms": np.int32,
    "text_weights": np.float32,
}


class Postings(NamedTuple):
    """All blocks one behind the other: S blocks, T terms summed over blocks, P postings, M texts."""

    row_starts: npt.NDArray[np.int64]
    """[S + 1]: the first row of each block."""
    term_starts: npt.NDArray[np.int64]
    """[S + 1]: where each block's terms start in ``terms``."""
    terms: npt.NDArray[np.int32]
    """[T]: a block's terms by their number in the vocabulary, ascending."""
    tops: npt.NDArray[np.float32]
    """[T]: a term's highest weight in its block."""
    list_starts: npt.NDArray[np.int64]
    """[T + 1]: where each term's postings start."""
    list_rows: npt.NDArray[np.uint16]
    """[P]: the row within the block."""
    list_weights: npt.NDArray[np.float32]
    """[P]: what one occurrence of the term in a query adds to that row's score."""
    text_starts: npt.NDArray[np.int64]
    """[M + 1]: where each text's terms start."""
    text_terms: npt.NDArray[np.int32]
    """[P]: a text's terms by their place among the block's, ascending."""
    text_weights: npt.NDArray[np.float32]
    """[P]: the same weights as ``list_weights``."""


def create(directory: Path, *, blocks: int, terms: int, postings: int, texts: int) -> Postings:
    """Make the files of an index of this size, to be filled in."""
    sizes = {
        "row_starts": blocks + 1,
        "term_starts": blocks + 1,
        "terms": terms,
        "tops": terms,
        "list_starts": terms + 1,
        "list_rows": postings,
        "list_weights": postings,
        "text_starts": texts + 1,
        "text_terms": postings,
        "text_weights": postings,
    }
    return Postings(
        *(
            np.lib.format.open_memmap(directory / f"{name}.npy", mode="w+", dtype=_TYPES[name], shape=(sizes[name],))
            for name in Postings._fields
        )
    )


def load(directory: Path) -> Postings:
    """Map an index, to be read (as copy on write: numba tells the type of an array that is read-only slowly)."""
    return Postings(*(np.asarray(np.load(directory / f"{name}.npy", mmap_mode="c")) for name in Postings._fields))
