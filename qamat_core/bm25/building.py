"""Builds an index in two passes, so that host memory holds one block and the vocabulary, however many texts there are.

The first pass counts words block by block; the second turns the counts into weights with the frequencies and the mean
length of all texts. So an index of many blocks gives the same scores as one of a single block. The weights are those
of bm25s' method "lucene": idf * f / (f + k1 * (1 - b + b * length / mean length)) with idf = ln(1 + (M - n + 0.5) /
(n + 0.5)).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from qamat_core.bm25.postings import BLOCK_ROWS, Postings, create
from qamat_core.text import word_tokens

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Counts:
    """The word counts of one block, a line for each text and distinct word, sorted by text, then by term."""

    lengths: Ints
    """[rows]: words of each text."""
    rows: Ints
    terms: Ints
    counts: Ints


def build_index(
    ids: Sequence[str],
    texts: Iterable[str],
    directory: Path,
    *,
    k1: float = 0.9,
    b: float = 0.4,
    block_rows: int = BLOCK_ROWS,
) -> None:
    """Index ``texts``, whose ``ids`` order the ties, into ``directory``, which is made."""
    directory.mkdir(parents=True)
    np.save(directory / "ranks.npy", rank_ids(ids))
    vocabulary: dict[str, int] = {}
    with TemporaryDirectory(dir=directory) as folder:
        files = _count_blocks(texts, vocabulary, Path(folder), block_rows)
        _weigh_blocks(files, len(vocabulary), directory, k1, b)
    (directory / "vocabulary.txt").write_text("\n".join(vocabulary), encoding="utf-8")


def rank_ids(ids: Sequence[str]) -> npt.NDArray[np.int32]:
    """Return each row's place in the order of the ids."""
    order = pc.sort_indices(pa.array(ids, pa.string()))  # pyright: ignore[reportAttributeAccessIssue]
    ranks = np.empty(len(ids), np.int32)
    ranks[order.to_numpy()] = np.arange(len(ids), dtype=np.int32)
    return ranks


def _count_blocks(texts: Iterable[str], vocabulary: dict[str, int], folder: Path, block_rows: int) -> list[Path]:
    files: list[Path] = []
    rest = iter(texts)
    while block := list(islice(rest, block_rows)):
        counted = _count(block, vocabulary)
        files.append(folder / f"{len(files)}.npz")
        np.savez(files[-1], *(getattr(counted, name) for name in Counts.__slots__))
    return files


def _count(texts: Sequence[str], vocabulary: dict[str, int]) -> Counts:
    """Count the words of a block; new words get the next numbers of the vocabulary."""
    documents = [word_tokens(text) for text in texts]
    lengths = np.fromiter(map(len, documents), np.int64, len(documents))
    number = vocabulary.setdefault
    terms = np.fromiter((number(word, len(vocabulary)) for words in documents for word in words), np.int64)
    rows = np.repeat(np.arange(len(documents)), lengths)
    size = max(len(vocabulary), 1)
    lines, counts = np.unique(rows * size + terms, return_counts=True)
    return Counts(lengths, lines // size, lines % size, counts)


def _read(files: Iterable[Path]) -> Iterator[Counts]:
    for file in files:
        with np.load(file) as arrays:
            yield Counts(*arrays.values())


def _weigh_blocks(files: Sequence[Path], words: int, directory: Path, k1: float, b: float) -> None:
    """Write the postings of all blocks."""
    frequencies, sizes = np.zeros(words, np.int64), np.zeros(4, np.int64)
    for block in _read(files):
        np.add.at(frequencies, block.terms, 1)
        sizes += len(block.lengths), block.lengths.sum(), len(np.unique(block.terms)), len(block.terms)
    texts, length, terms, postings = map(int, sizes)
    idf = np.log(1 + (texts - frequencies + 0.5) / (frequencies + 0.5))
    index = create(directory, blocks=len(files), terms=terms, postings=postings, texts=texts)
    for number, block in enumerate(_read(files)):
        damping = k1 * (1 - b + b * block.lengths * (texts / max(length, 1)))
        weights = idf[block.terms] * block.counts / (block.counts + damping[block.rows])
        _write_block(index, number, block, weights.astype(np.float32))
    for array in index:
        _flush(array)


def _write_block(index: Postings, number: int, block: Counts, weights: npt.NDArray[np.float32]) -> None:
    """Put one block behind those that are written: ``weights`` has one a line of the counts."""
    terms, places, sizes = np.unique(block.terms, return_inverse=True, return_counts=True)
    row, term = int(index.row_starts[number]), int(index.term_starts[number])
    first = int(index.text_starts[row])
    end_row, end_term, end = row + len(block.lengths), term + len(terms), first + len(weights)
    index.row_starts[number + 1], index.term_starts[number + 1] = end_row, end_term
    index.text_starts[row + 1 : end_row + 1] = first + np.cumsum(np.bincount(block.rows, minlength=len(block.lengths)))
    index.text_terms[first:end], index.text_weights[first:end] = places, weights
    if not len(weights):
        return
    by_term = np.argsort(places, kind="stable")
    index.terms[term:end_term] = terms
    index.list_starts[term + 1 : end_term + 1] = first + np.cumsum(sizes)
    index.tops[term:end_term] = np.maximum.reduceat(weights[by_term], np.cumsum(sizes) - sizes)
    index.list_rows[first:end], index.list_weights[first:end] = block.rows[by_term], weights[by_term]


def _flush(array: Any) -> None:
    array.flush()
