"""Memory entries as tokens: a key is [CLS] question, a value [CLS] answer question (section 5.1; ``value_order``)."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa
from jaxtyping import Int32, UInt

from qamat_core.columns import Column
from qamat_core.memory_columns import RowsOfPassages
from qamat_core.store.following import follows, wait_for
from qamat_core.text import normalize_answer, normalize_question
from qamat_core.tokenizer import CLS, Tokenizer, fit_rows, fit_width, pad_rows
from schemas.model import EOS_ID
from schemas.qamat import QamatConfig

COLUMNS: Final = ("question", "answer")
"""What the tokens of an entry are made of."""
_WIDTHS: Final = "widths.json"


@dataclass(frozen=True)
class MemoryEntries:
    """M entries of a memory: their rows of ``qa_pairs``, and what tokenises them once tokens are wanted."""

    pairs: pa.Table
    tokenizer: Tokenizer
    config: QamatConfig

    @cached_property
    def _tables(self) -> tuple[UInt[np.ndarray, "M K"], UInt[np.ndarray, "M V"]]:
        keys, values = _ids(self.pairs, self.tokenizer, self.config)
        tables = fit_rows(keys, self.config.key_length), fit_rows(values, self.config.value_length)
        return tables[0].astype(self.tokenizer.dtype), tables[1].astype(self.tokenizer.dtype)

    @cached_property
    def key_tokens(self) -> UInt[np.ndarray, "M K"]:
        """The tokens of all keys, at most ``key_length`` wide."""
        return self._tables[0]

    @cached_property
    def value_tokens(self) -> UInt[np.ndarray, "M V"]:
        """The tokens of all values, at most ``value_length`` wide."""
        return self._tables[1]

    def __len__(self) -> int:
        return self.pairs.num_rows

    @cached_property
    def ids(self) -> Sequence[str]:
        """The entries' ids, by row."""
        return self.pairs.column("qa_id").to_pylist()

    @cached_property
    def row_of(self) -> Mapping[str, int]:
        """Entry id -> row."""
        return {qa_id: row for row, qa_id in enumerate(self.ids)}

    @cached_property
    def asking(self) -> Mapping[str, Sequence[int]]:
        """Normalised question -> the rows of the entries that ask it."""
        rows: dict[str, list[int]] = {}
        for row, question in enumerate(self.pairs.column("question").to_pylist()):
            rows.setdefault(normalize_question(question), []).append(row)
        return rows

    @cached_property
    def answer_numbers(self) -> Int32[np.ndarray, " M"]:
        """A number of each entry's answer: equal for equal answers, as they are compared."""
        answers = [normalize_answer(answer) for answer in self.pairs.column("answer").to_pylist()]
        return np.unique(answers, return_inverse=True)[1].astype(np.int32)

    def beside(self, row: int) -> Sequence[int]:
        """Return the rows of all entries made of the same passage, ascending; none for a row below 0 (unknown)."""
        passage = self._passages[int(row)] if row >= 0 else None
        return [] if passage is None else self._of_passage.get(passage)

    @cached_property
    def _passages(self) -> Column:
        return Column(self.pairs.column("passage_id"))

    @cached_property
    def _of_passage(self) -> RowsOfPassages:
        return RowsOfPassages(self._passages)


class EntryTokens(NamedTuple):
    """The tokens of M entries, mapped from files."""

    keys: UInt[np.ndarray, "M K"]
    values: UInt[np.ndarray, "M V"]


def tokenise_entries(
    batches: Iterable[pa.RecordBatch],
    count: int,
    tokenizer: Tokenizer,
    config: QamatConfig,
    directory: Path,
    tell: Callable[[int, int], None],
) -> EntryTokens:
    """Write the tokens of ``qa_pairs`` into files, a batch in memory at a time, unless that was done.

    Args:
        batches: all rows in their order, with the columns ``COLUMNS``; of several processes the first reads them.
        count: how many rows they have together, M.
        tokenizer: whose ids fit in the type of the files.
        config: has the lengths.
        directory: of these files alone.
        tell: hears of (done, total).

    Returns:
        What ``MemoryEntries`` of all rows would have.
    """
    if follows():
        return wait_for(lambda: _found(directory))
    if tokens := _found(directory):
        return tokens
    directory.mkdir(parents=True, exist_ok=True)
    lengths = (config.key_length, config.value_length)
    files = [
        np.lib.format.open_memmap(directory / f"{name}.npy", "w+", tokenizer.dtype, (count, length))
        for name, length in zip(EntryTokens._fields, lengths, strict=True)
    ]
    longest, done = [0, 0], 0
    for batch in batches:
        for part, ids in enumerate(_ids(batch, tokenizer, config)):
            rows = pad_rows(ids, lengths[part])
            longest[part] = max(longest[part], int((rows != 0).sum(axis=1).max(initial=0)))
            files[part][done : done + len(rows)] = rows
        done += len(batch)
        tell(done, count)
    widths = [fit_width(most, length) for most, length in zip(longest, lengths, strict=True)]
    for file in files:
        file.flush()
    temporary = directory / f"{_WIDTHS}.tmp"
    temporary.write_text(json.dumps(widths) + "\n")
    temporary.replace(directory / _WIDTHS)
    return _open(directory, widths)


def _found(directory: Path) -> EntryTokens | None:
    widths = directory / _WIDTHS
    return _open(directory, json.loads(widths.read_text())) if widths.exists() else None


def _open(directory: Path, widths: Sequence[int]) -> EntryTokens:
    files = [np.load(directory / f"{name}.npy", mmap_mode="r") for name in EntryTokens._fields]
    return EntryTokens(*(file[:, :width] for file, width in zip(files, widths, strict=True)))


def _ids(
    pairs: pa.Table | pa.RecordBatch, tokenizer: Tokenizer, config: QamatConfig
) -> tuple[list[list[int]], list[list[int]]]:
    """Return the ids of keys and of values, cut to their lengths."""
    questions, answers = (pairs.column(name).to_pylist() for name in COLUMNS)
    keys = [tokenizer.encode(f"{CLS} {question}")[: config.key_length] for question in questions]
    answer_first = config.value_order == "answer-question"
    parts = zip(answers, questions, strict=True) if answer_first else zip(questions, answers, strict=True)
    if config.value_end:
        values = [[*tokenizer.encode(f"{CLS} {first}"), EOS_ID, *tokenizer.encode(then)] for first, then in parts]
    else:
        values = [tokenizer.encode(f"{CLS} {first} {then}") for first, then in parts]
    return keys, [value[: config.value_length] for value in values]
