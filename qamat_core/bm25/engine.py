"""The engines by name: an index is built once into a directory and opened from there by every process."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal

from qamat_core.bm25.building import build_index
from qamat_core.bm25.exact import BM25
from qamat_core.bm25.lucene import Lucene, build_lucene
from qamat_core.bm25.protocol import Engine, Hit

__all__ = ["Engine", "EngineName", "Hit", "build_engine", "open_engine"]

EngineName = Literal["bm25s", "lucene"]


def build_engine(
    engine: EngineName, ids: Sequence[str], texts: Iterable[str], directory: Path, *, k1: float, b: float
) -> None:
    """Index the texts into ``directory``, which is made.

    Raises:
        ConfigError: the engine is not installed.
    """
    build = {"bm25s": build_index, "lucene": build_lucene}[engine]
    build(ids, texts, directory, k1=k1, b=b)


def open_engine(engine: EngineName, directory: Path) -> Engine:
    """Open what ``build_engine`` made."""
    return {"bm25s": BM25.open, "lucene": Lucene}[engine](directory)
