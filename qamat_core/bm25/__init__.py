"""BM25 over short texts behind one small protocol: our exact engine over bm25s' weights, and Lucene."""

from qamat_core.bm25.engine import Engine, EngineName, Hit, build_engine, open_engine
from qamat_core.bm25.exact import BM25, Floats

__all__ = ["BM25", "Engine", "EngineName", "Floats", "Hit", "build_engine", "open_engine"]
