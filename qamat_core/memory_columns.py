"""A memory (``qa_pairs``) as columns in host memory, for mining: what comes from a passage, what has an answer."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pyarrow as pa

from qamat_core.store.shards import read_shard
from qamat_core.text import normalize_answer
from schemas.tables import QA_PAIRS

_COLUMNS = ["qa_id", "question", "answer", "aliases", "passage_id", "start"]


@dataclass(frozen=True)
class MemoryColumns:
    """Entries in the order of the table; all columns have length M. ``passages`` and ``starts`` may be None."""

    ids: list[str]
    questions: list[str]
    answers: list[str]
    aliases: list[list[str]]
    passages: list[str | None]
    starts: list[int | None]

    def __len__(self) -> int:
        return len(self.ids)

    @classmethod
    def read(cls, shards: Sequence[Path]) -> "MemoryColumns":
        """Read the shards of a memory."""
        schema = pa.schema([QA_PAIRS.field(name) for name in _COLUMNS])
        table = pa.concat_tables([schema.empty_table(), *(read_shard(path, _COLUMNS) for path in shards)])
        return cls(*(column.to_pylist() for column in table.columns))

    @cached_property
    def row_of(self) -> dict[str, int]:
        """``qa_id`` -> row."""
        return {qa_id: row for row, qa_id in enumerate(self.ids)}

    @cached_property
    def normalized(self) -> list[str]:
        """The answers as they are compared."""
        return [normalize_answer(answer) for answer in self.answers]

    @cached_property
    def of_passage(self) -> dict[str, list[int]]:
        """``passage_id`` -> its entries' rows."""
        rows: dict[str, list[int]] = defaultdict(list)
        for row, passage in enumerate(self.passages):
            if passage is not None:
                rows[passage].append(row)
        return dict(rows)

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
        return {self.normalized[row], *map(normalize_answer, self.aliases[row])}
