"""A memory (``qa_pairs``) as columns, for mining: what comes from a passage, what has an answer.

The columns are lists in host memory, or columns of a file that is mapped into memory, of which only the rows that are
asked for are read: so that a memory of any size can be mined.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from qamat_core.columns import map_columns, spread_columns
from qamat_core.store.shards import read_shard
from qamat_core.text import normalize_answer
from schemas.tables import QA_PAIRS

_COLUMNS = ["qa_id", "question", "answer", "aliases", "passage_id", "start"]
_SCHEMA = pa.schema([QA_PAIRS.field(name) for name in _COLUMNS])


@dataclass(frozen=True)
class MemoryColumns:
    """Entries in the order of the table; all columns have length M. ``passages`` and ``starts`` may hold None."""

    ids: Sequence[str]
    questions: Sequence[str]
    answers: Sequence[str]
    aliases: Sequence[list[str]]
    passages: Sequence[str | None]
    starts: Sequence[int | None]

    def __len__(self) -> int:
        return len(self.ids)

    @classmethod
    def read(cls, shards: Sequence[Path]) -> "MemoryColumns":
        """Read the shards of a memory into lists."""
        table = pa.concat_tables([_SCHEMA.empty_table(), *(read_shard(path, _COLUMNS) for path in shards)])
        return cls(*(column.to_pylist() for column in table.columns))

    @classmethod
    def spread(cls, shards: Sequence[Path], file: Path) -> "MemoryColumns":
        """Write the shards of a memory, one after the other, to an Arrow file, and open it."""
        spread_columns(shards, _SCHEMA, file)
        return cls.open(file)

    @classmethod
    def open(cls, file: Path) -> "MemoryColumns":
        """Map what ``spread`` wrote."""
        return cls(*map_columns(file))

    @cached_property
    def row_of(self) -> dict[str, int]:
        """``qa_id`` -> row."""
        return {qa_id: row for row, qa_id in enumerate(self.ids)}

    @cached_property
    def normalized(self) -> list[str]:
        """The answers as they are compared."""
        return [normalize_answer(answer) for answer in self.answers]

    @cached_property
    def of_passage(self) -> "RowsOfPassages":
        """``passage_id`` -> its entries' rows."""
        return RowsOfPassages(self.passages)

    @cached_property
    def with_answer(self) -> dict[str, list[int]]:
        """Normalised answer or alias -> the rows of the entries that have it."""
        rows: dict[str, list[int]] = defaultdict(list)
        for row, (answer, aliases) in enumerate(zip(self.normalized, self.aliases, strict=True)):
            for form in dict.fromkeys([answer, *map(normalize_answer, aliases)]):
                if form:
                    rows[form].append(row)
        return dict(rows)

    def elsewhere(self, row: int, other: int) -> bool:
        """Say whether an entry comes from another passage than ``other`` does, as far as that is known."""
        passage = self.passages[row]
        return row != other and (passage is None or passage != self.passages[other])

    def answers_of(self, row: int) -> set[str]:
        """Return the normalised answer and aliases of an entry."""
        return {normalize_answer(form) for form in (self.answers[row], *self.aliases[row])}


class RowsOfPassages:
    """Finds the rows of a passage by bisection over the rows sorted by passage (4 bytes an entry)."""

    def __init__(self, passages: Sequence[str | None]) -> None:
        self._passages = passages
        column = pa.array(passages, pa.string())
        ordered = pc.sort_indices(column)  # pyright: ignore[reportAttributeAccessIssue]
        self._rows = ordered.to_numpy()[: len(column) - column.null_count].astype(np.min_scalar_type(len(column)))

    def get(self, passage_id: str) -> list[int]:
        """Return the rows, ascending; none where no entry comes from the passage."""
        start = bisect_left(self._rows, passage_id, key=self._passage)
        end = bisect_right(self._rows, passage_id, lo=start, key=self._passage)
        return sorted(self._rows[start:end].tolist())

    def _passage(self, row: np.integer[Any]) -> str:
        passage = self._passages[int(row)]
        assert passage is not None  # rows without a passage are left out
        return passage
