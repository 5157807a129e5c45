"""Entries of a memory by their ids and rows, with who wrote them and the passages that they came from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

import pyarrow as pa

from qamat_core.rows_by_id import RowsById
from qamat_core.scanned_rows import ScannedRows
from qamat_core.store.store import Store
from schemas.answers import Entry
from schemas.artifacts import ArtifactRef
from schemas.errors import MissingArtifactError
from schemas.tables import PASSAGES, QA_PAIRS
from tasks.generator_pool import generator_id

_PAIRS: Final = pa.schema([QA_PAIRS.field(name) for name in Entry.model_fields if name in QA_PAIRS.names])
_PLACES: Final = pa.schema([QA_PAIRS.field(name) for name in ("passage_id", "start")])
_PASSAGES: Final = pa.schema([PASSAGES.field(name) for name in ("passage_id", "title", "text")])


@dataclass(frozen=True)
class EntryLookup:
    """Reads from files what is asked for; threads may share it."""

    memory: ArtifactRef
    pairs: ScannedRows
    passages: RowsById
    generators: Mapping[str, str]
    """What a pair says of its generator -> that generator's checkpoint."""

    @classmethod
    def open(cls, store: Store, memory: ArtifactRef, passages: Sequence[ArtifactRef]) -> Self:
        """Open a memory; an entry of none of these passages is shown without."""
        shards = [path for ref in passages for path in store.open_shards(ref)]
        checkpoints = (row.ref for row in store.registry.rows() if row.ref.kind == "checkpoint")
        return cls(
            memory=memory,
            pairs=ScannedRows(store.open_shards(memory), pa.unify_schemas([_PAIRS, _PLACES]), store.home / "work"),
            passages=RowsById(shards, _PASSAGES, store.home / "work"),
            generators={generator_id(ref): str(ref) for ref in checkpoints},
        )

    def __len__(self) -> int:
        return len(self.pairs)

    def row(self, qa_id: str) -> int:
        """Return the row of an entry.

        Raises:
            MissingArtifactError: the memory has none with this id.
        """
        row = self.pairs.row_of(qa_id)
        if row is None:
            raise MissingArtifactError(f"entry {qa_id[:40]!r} is not in {self.memory}: give one of its qa_id")
        return row

    def shown(self, row: int) -> dict[str, Any]:
        """Return the fields of an ``Entry``."""
        pair = self.pairs.get(row)
        passage = self.passages.find(pair.pop("passage_id") or "") or {"title": None, "text": None}
        start, text, generator = pair.pop("start"), passage["text"], pair.pop("generator")
        end = 0 if start is None else start + len(pair["answer"])
        return {
            **pair,
            "generator": self.generators.get(generator, generator),
            "title": passage["title"],
            "passage": text,
            "span": (start, end) if text and end and text[start:end] == pair["answer"] else None,
        }
