"""One side of the benchmark over a large memory, in a process of its own, so that its host memory shows.

``python -m tests.benchmarks.bm25_process SIDE FOLDER`` prints {"seconds": for the passages, "start": MiB before the
index is opened, "quarter": after a quarter of the passages, "end": after all, "own": of the last, not of mapped files}.
SIDE is build-ours, build-bm25s (which time the building), ours or bm25s.
"""

import json
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pyarrow as pa
import pyarrow.parquet as pq

from schemas.corpus import NegativesConfig

BATCH, K = 32, 32
Search = Callable[[pa.Table], object]


def _ours(folder: Path) -> Search:
    """Mine negatives, all of it: masks, search, exclusion, rows of the tables."""
    from tasks.mine_negatives import Miner  # noqa: PLC0415 - so that "start" holds what both sides need alone

    miner = Miner.open(folder / "memory", NegativesConfig())
    return lambda rows: miner.process({"passages": rows})


def _bm25s(folder: Path) -> Search:
    """Search, no more."""
    import bm25s  # noqa: PLC0415

    from qamat_core.text import word_tokens  # noqa: PLC0415

    index = bm25s.BM25.load(folder / "bm25s", mmap=True)
    index.backend = "numba"
    index.activate_numba_scorer()
    return lambda rows: index.retrieve(
        [word_tokens(text) for text in rows.column("text").to_pylist()], k=K, show_progress=False, n_threads=1
    )


def _build_ours(folder: Path) -> Search:
    from tasks.mine_negatives import prepare  # noqa: PLC0415

    prepare(sorted(folder.glob("pairs-*.parquet")), NegativesConfig(), folder)
    return lambda rows: rows


def _build_bm25s(folder: Path) -> Search:
    import bm25s  # noqa: PLC0415

    from qamat_core.text import word_tokens  # noqa: PLC0415

    shards = sorted(folder.glob("pairs-*.parquet"))
    questions = (text for shard in shards for text in pq.read_table(shard).column("question").to_pylist())
    index = bm25s.BM25(k1=0.9, b=0.4, method="lucene", backend="numba")
    index.index([word_tokens(text) for text in questions], show_progress=False)
    index.save(folder / "bm25s", show_progress=False)
    return lambda rows: rows


SIDES = {"ours": _ours, "bm25s": _bm25s, "build-ours": _build_ours, "build-bm25s": _build_bm25s}


def _memory() -> float:
    return psutil.Process().memory_info().rss / 2**20


def _timed(run: Callable[[], object]) -> float:
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def _search_all(search: Search, batches: Sequence[pa.Table]) -> None:
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(search, batches))


def main(side: str, folder: Path) -> dict[str, float]:
    """Run one side and return what it took."""
    passages = pq.read_table(folder / "passages.parquet")
    batches = [passages.slice(start, BATCH) for start in range(0, len(passages), BATCH)]
    start = _memory()
    made: list[Search] = []
    building = _timed(lambda: made.append(SIDES[side](folder)))
    (search,) = made
    search(batches[0])  # numba compiles
    quarter = max(len(batches) // 4, 1)
    seconds = _timed(lambda: _search_all(search, batches[:quarter]))
    first = _memory()
    seconds += _timed(lambda: _search_all(search, batches[quarter:]))
    memory = psutil.Process().memory_full_info()
    own = (memory.rss - memory.shared) / 2**20
    return {"seconds": seconds, "building": building, "start": start, "quarter": first, "end": _memory(), "own": own}


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], Path(sys.argv[2]))))  # noqa: T201
