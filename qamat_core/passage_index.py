"""All passages of a corpus, to be searched and read by row: BM25 over title and text, everything mapped from files."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from qamat_core.bm25 import BM25
from qamat_core.bm25.building import build_index
from qamat_core.columns import map_columns, spread_columns
from schemas.tables import PASSAGES

_SCHEMA = pa.schema([PASSAGES.field(name) for name in ("passage_id", "title", "text")])


@dataclass(frozen=True)
class PassageColumns:
    """Passages in the order of the table; all columns have length M."""

    ids: Sequence[str]
    titles: Sequence[str]
    texts: Sequence[str]

    def passage(self, row: int) -> tuple[str, str]:
        """Return the title and the text of a passage."""
        return self.titles[row], self.texts[row]


def index_passages(shards: Sequence[Path], folder: Path, *, k1: float, b: float) -> None:
    """Spread and index the passages in these shards into a folder, which is there; ties go by passage id."""
    spread_columns(shards, _SCHEMA, _columns(folder))
    passages = open_passages(folder)
    texts = (f"{title} {text}" for title, text in zip(passages.titles, passages.texts, strict=True))
    build_index(passages.ids, texts, _index(folder), k1=k1, b=b)


def open_passages(folder: Path) -> PassageColumns:
    """Map the passages of ``index_passages``."""
    return PassageColumns(*map_columns(_columns(folder)))


def open_index(folder: Path) -> BM25:
    """Open the index of ``index_passages``; a hit's row is that of the passage."""
    return BM25.open(_index(folder))


def _columns(folder: Path) -> Path:
    return folder / "passages.arrow"


def _index(folder: Path) -> Path:
    return folder / "index"
