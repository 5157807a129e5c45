"""What `qamat bench search` searches, and the peers: clustered unit vectors; ScaNN's, faiss's and hnswlib's best."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, Final, NamedTuple

import faiss
import hnswlib
import numpy as np
from jaxtyping import Float, Int
from ml_dtypes import bfloat16

from qamat_core.indexes.approximate import build_scann
from qamat_core.indexes.filtered import Filtered
from schemas.errors import ConfigError
from schemas.qamat import ScannConfig
from tests.benchmarks.measure import timed

WIDTH, K, RECALL = 256, 10, 0.95
THREADS: Final = 2
"""That build."""

Search = Callable[[np.ndarray], np.ndarray]
"""Queries -> rows [N, K]."""


class Best(NamedTuple):
    """The fastest setting of a system that reaches the recall."""

    search: Search
    recall: float
    setting: str


def clustered(keys: int, queries: int, centres: int = 2000, spread: float = 0.8) -> tuple[np.ndarray, np.ndarray]:
    """Return keys and queries of one mixture of Gaussians, all of length 1."""
    rng = np.random.default_rng(0)
    middles = rng.standard_normal((centres, WIDTH), dtype=np.float32)

    def draw(count: int) -> np.ndarray:
        vectors = middles[rng.integers(0, centres, count)]
        vectors += spread * rng.standard_normal((count, WIDTH), dtype=np.float32)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    return draw(keys), draw(queries)


def nearest(keys: Float[np.ndarray, "M D"], queries: Float[np.ndarray, "N D"], k: int) -> Int[np.ndarray, "N K"]:
    """Return the K best rows of each query in any order, by all scores."""
    parts = [queries[start : start + 128] @ keys.T for start in range(0, len(queries), 128)]
    return np.concatenate([np.argpartition(-scores, k, axis=1)[:, :k] for scores in parts])


def recall(found: Int[np.ndarray, "N K"], wanted: Int[np.ndarray, "N K"]) -> float:
    """Return the share of what was wanted that was found."""
    return float(np.mean([np.isin(one, two).mean() for one, two in zip(wanted, found, strict=True)]))


def fastest(settings: Iterator[tuple[str, Search]], queries: np.ndarray, wanted: np.ndarray) -> Best:
    """Try settings and return the fastest that reaches the recall.

    Raises:
        ConfigError: none does.
    """
    best: tuple[float, Best] | None = None
    for name, search in settings:
        found = recall(search(queries), wanted)
        if found < RECALL:
            continue
        seconds = min(timed(lambda search=search: search(queries)).wall for _ in range(3))
        if best is None or seconds < best[0]:
            best = seconds, Best(search, found, name)
    if best is None:
        raise ConfigError(f"benchmark: no setting reaches a recall of {RECALL}")
    return best[1]


def ours(keys: np.ndarray, config: ScannConfig) -> Iterator[tuple[str, Search]]:
    """Yield settings of our index over ScaNN, of keys in bfloat16: leaves searched, entries scored again."""
    keys = keys.astype(bfloat16)
    built = build_scann(keys, config)
    for leaves in (1, 2, 4, 8, 16, 32):
        for rescored in (30, 35, 37, 40, 45, 50, 60, 80):
            setting = config.model_copy(update={"leaves_searched": leaves, "rescored": rescored, "neighbours": K})
            index = Filtered(built.with_config(setting), keys)
            yield f"leaves {leaves}, rescored {rescored}", partial(_rows, index)


def _rows(index: Filtered, queries: np.ndarray) -> np.ndarray:
    return index.search(queries, K).rows


def ivf(keys: np.ndarray, lists: int, coded: int) -> Iterator[tuple[str, Search]]:
    """Yield settings of faiss's IVF with fast-scan codes of 4 bits and exact refinement."""
    faiss.omp_set_num_threads(THREADS)
    index: Any = faiss.index_factory(WIDTH, f"IVF{lists},PQ{coded}x4fs,RFlat", faiss.METRIC_INNER_PRODUCT)
    index.train(keys[: max(len(keys) // 2, 40 * lists)])
    index.add(keys)
    faiss.omp_set_num_threads(1)
    for probes in (1, 2, 4, 8, 16, 32):
        for factor in (2, 3, 4, 5, 6, 8, 10):
            given = faiss.IndexRefineSearchParameters(
                k_factor=factor, base_index_params=faiss.SearchParametersIVF(nprobe=probes)
            )
            yield (
                f"IVF{lists}, PQ{coded}x4fs, nprobe {probes}, k_factor {factor}",
                lambda queries, given=given: index.search(queries, K, params=given)[1],
            )


def hnsw(keys: np.ndarray, links: int, threads: Sequence[int]) -> Iterator[tuple[str, Search]]:
    """Yield settings of hnswlib; ``threads`` holds how many search, and may change."""
    index = hnswlib.Index("ip", WIDTH)
    index.init_index(len(keys), M=links, ef_construction=200)
    index.add_items(keys, num_threads=THREADS)

    def search(queries: np.ndarray, ef: int) -> np.ndarray:
        index.set_ef(ef)
        return index.knn_query(queries, K, num_threads=threads[0])[0]

    for ef in (10, 12, 14, 16, 17, 18, 19, 20, 22, 25, 30, 40, 80, 120, 160, 240, 320, 640, 1200):
        yield f"M {links}, ef {ef}", partial(search, ef=ef)
