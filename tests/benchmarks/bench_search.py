"""Search: exact against faiss's IndexFlatIP, approximate against IVF with fast-scan codes and hnswlib, and 5M keys.

Exact: 200,000 keys of 256 in float32, 256 queries, K = 32, each number of threads in a process of its own. faiss 1.15
takes plain loops for so few queries unless it is told to use its BLAS, which is ten times faster: it is told.
Approximate: clustered unit vectors, inner product, recall of 10 in float32; every system gets its fastest setting that
reaches .95 on these queries; ours keeps its keys in bfloat16, the peers in float32. Large: 5,000,000 keys of 256 in
bfloat16 and int8 in a file, searched by a fresh process.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from schemas.qamat import ScannConfig
from tests.benchmarks.measure import Row, compare, interleave, one_core, require

K = 32
QUERIES = 256
LIMITS = {"memory": 1.3, "seconds": 5.0}
"""Of a large memory: resident memory in bytes of the keys; from the process's start to its first result."""


def run(*, quick: bool) -> list[Row]:
    """Measure all three."""
    keys = 50_000 if quick else 200_000
    rows = [_process("exact", str(keys), str(threads), "1" if quick else "5") for threads in (1, 2)]
    return rows + approximate(quick=quick) + large(100_000 if quick else 5_000_000)


def _process(*arguments: str) -> Any:
    """Run this module in a process of its own."""
    command = [sys.executable, "-m", "tests.benchmarks.bench_search", *arguments]
    ended = subprocess.run(command, cwd=Path(__file__).parents[2], check=True, text=True, stdout=subprocess.PIPE)
    answer = json.loads(ended.stdout.splitlines()[-1])
    return Row(**answer) if "ratio" in answer else answer


def exact(count: int, threads: int, rounds: int) -> Row:
    """Measure exact search with so many threads; XLA starts as many as this process has cores."""
    import faiss  # noqa: PLC0415

    from qamat_core.indexes.device import place_keys  # noqa: PLC0415
    from tests.benchmarks.search_peers import WIDTH, recall  # noqa: PLC0415

    rng = np.random.default_rng(0)
    keys, queries = (rng.standard_normal((size, WIDTH), dtype=np.float32) for size in (count, QUERIES))
    with one_core() if threads == 1 else nullcontext():
        faiss.omp_set_num_threads(threads)
        faiss.cvar.distance_compute_blas_threshold = 1
        peer = faiss.IndexFlatIP(WIDTH)
        peer.add(keys)
        index = place_keys(keys)
        found = recall(index.search(queries, K).rows, peer.search(queries, K)[1])
        runs = {"ours": lambda: index.search(queries, K), "theirs": lambda: peer.search(queries, K)}
        costs = interleave(runs, rounds)
    seconds = [cost.cpu if threads == 1 else cost.wall for cost in (costs["ours"], costs["theirs"])]
    note = f"{threads} thread(s), {count:,} x {WIDTH}, {QUERIES} queries, k {K}; recall of theirs {found:.4f}"
    versions = require("jax", "faiss-cpu")
    return compare("exact search", "queries/s", "faiss", QUERIES, (seconds[0], seconds[1]), versions, note)


def approximate(*, quick: bool) -> list[Row]:
    """Measure approximate search with one thread and with two."""
    from tests.benchmarks import search_peers as peers  # noqa: PLC0415

    keys, queries = peers.clustered(*((6_000, 256, 200) if quick else (200_000, 2048)))
    wanted, threads = peers.nearest(keys, queries, peers.K), [1]
    with one_core():
        config = ScannConfig(leaves=len(keys) // 400, spherical=True)
        best = {"ours": peers.fastest(peers.ours(keys, config), queries, wanted)}
    best["faiss"] = peers.fastest(peers.ivf(keys, len(keys) // 200, 128), queries, wanted)
    best["hnswlib"] = peers.fastest(peers.hnsw(keys, 16, threads), queries, wanted)
    versions, rows = require("scann", "faiss-cpu", "hnswlib"), list[Row]()
    for threads[0] in (1, 2):
        peers.faiss.omp_set_num_threads(threads[0])
        with one_core() if threads[0] == 1 else nullcontext():
            runs = {name: (lambda found=found: found.search(queries)) for name, found in best.items()}
            costs = interleave(runs, rounds=1 if quick else 15)
        for peer in ("faiss", "hnswlib"):
            said = "; ".join(f"{name} recall {best[name].recall:.3f} ({best[name].setting})" for name in ("ours", peer))
            seconds = costs["ours"].wall, costs[peer].wall
            note = f"{threads[0]} thread(s), {len(keys):,} x {peers.WIDTH} clustered unit vectors, k {peers.K}; {said}"
            measure = f"ANN at recall {peers.RECALL:g}".replace("0.", ".")
            rows.append(compare(measure, "queries/s", peer, len(queries), seconds, versions, note))
    return rows


def large(entries: int) -> list[Row]:
    """Measure what a fresh process takes to search so many keys in a file."""
    rows: list[Row] = []
    for kind in ("bfloat16", "int8"):
        with TemporaryDirectory(prefix="qamat-bench-") as folder:
            path = Path(folder) / "keys.npy"
            size = write_keys(path, kind, entries)
            taken: Mapping[str, float] = _process("open", str(path), kind)
        versions, note = require("jax"), f"{entries:,} x 256 in {kind}, {taken['answers']:.1f} s for 256 queries"
        share, limit = taken["memory"] / size, LIMITS["memory"]
        rows.append(Row("large memory", "bytes of keys", "limit", share, limit, limit / share, versions, note))
        ours, limit = taken["seconds"], LIMITS["seconds"]
        rows.append(Row("large memory: start", "s", "limit", ours, limit, limit / ours, versions, note))
    return rows


def write_keys(path: Path, kind: str, entries: int, width: int = 256) -> int:
    """Write random keys, some at a time, and for int8 their scales beside them; return their bytes."""
    rng = np.random.default_rng(0)
    stored = np.uint16 if kind == "bfloat16" else np.int8
    keys = np.lib.format.open_memmap(path, "w+", stored, (entries, width))
    for start in range(0, entries, 50_000):
        some = rng.standard_normal((min(50_000, entries - start), width), dtype=np.float32)
        keys[start : start + 50_000] = some.view(np.uint32) >> 16 if kind == "bfloat16" else (some * 30).clip(-127, 127)
    keys.flush()
    if kind == "int8":
        np.save(path.with_name("scales.npy"), np.full(entries, 1 / 30, np.float32))
    return keys.nbytes + (4 * entries if kind == "int8" else 0)


def open_keys(path: Path, kind: str) -> dict[str, float]:
    """Open keys and search them: seconds from this process's start to a result, and its greatest resident memory."""
    import time  # noqa: PLC0415

    import jax.numpy as jnp  # noqa: PLC0415
    import psutil  # noqa: PLC0415

    from qamat_core.indexes.device import place_keys  # noqa: PLC0415

    queries = np.random.default_rng(1).standard_normal((QUERIES, 256), dtype=np.float32)
    keys = np.load(path, "r")
    scales = np.load(path.with_name("scales.npy"), "r") if kind == "int8" else None
    index = place_keys(keys.view(jnp.bfloat16) if scales is None else keys, scales)
    index.search(queries[:1], K)
    seconds = time.time() - psutil.Process().create_time()
    index.search(queries, K)
    begin = time.perf_counter()
    index.search(queries, K)
    answers = time.perf_counter() - begin
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    peak = int(status.partition("VmHWM:")[2].split()[0]) * 1024
    return {"seconds": seconds, "memory": float(peak), "answers": answers}


if __name__ == "__main__":
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    what, *given = sys.argv[1:]
    result = asdict(exact(*map(int, given))) if what == "exact" else open_keys(Path(given[0]), given[1])
    sys.stdout.write(json.dumps(result) + "\n")
