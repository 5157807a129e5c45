"""Deduplication: exact against polars on one frame, near-duplicates against rensa and datasketch.

Exact: a memory of imported pairs is made as ``qamat corpus`` makes it (Beam, two workers: read, divide by key, keep,
write, digests) and the same is written plainly in polars, which has two threads as well. Near: planted duplicates of
questions under one answer, so that every question is sketched and ours gains nothing by its rule of equal answers;
what each of the three finds of them stands in the note.
"""

import random
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl
import pyarrow as pa
from datasketch import MinHash, MinHashLSH
from rensa.rensa import RMinHashDeduplicator

from qamat_core.dedup.near import fewest_bands, near_rule
from qamat_core.dedup.survivors import one_per, rows_of
from qamat_core.store.shards import Shard, write_shard
from qamat_core.text import normalize_question
from schemas.corpus import MemoryConfig
from schemas.resources import Resources
from schemas.tables import QA_PAIRS, stable_id
from tasks.build_memory import Sources, build_memory
from tests.benchmarks.measure import Row, compare, interleave, require

SHARD_ROWS = 65536
THREADS = 2
THRESHOLD, PERMUTATIONS = 0.8, 128
BANDS = fewest_bands(THRESHOLD, PERMUTATIONS)
_SYLLABLES = [first + second for first in "bcdfglmnprst" for second in "aeiou"]


def run(*, quick: bool) -> list[Row]:
    """Return a row for each peer."""
    versions = require("polars", "rensa", "datasketch", "apache-beam", "pyarrow")
    rows, near, slow = (20_000, 4_000, 1_000) if quick else (1_000_000, 200_000, 20_000)
    rounds = 1 if quick else 5
    return [
        _exact(rows, rounds, versions),
        _near("rensa", _by_rensa, near, rounds, versions),
        _near("datasketch", _by_datasketch, slow, rounds, versions),
    ]


def _exact(rows: int, rounds: int, versions: dict[str, str]) -> Row:
    with TemporaryDirectory() as folder:
        pairs, work = Path(folder) / "pairs", Path(folder) / "work"
        shards = _write(_questions(rows), pairs)
        counts: dict[str, int] = {}

        def ours() -> None:
            shutil.rmtree(work, ignore_errors=True)
            work.mkdir()
            drafts = build_memory(
                MemoryConfig(shard_rows=SHARD_ROWS), Sources([], shards), None, work, Resources(workers=THREADS)
            )
            counts["ours"] = drafts["qa_pairs"].kept

        def theirs() -> None:
            counts["theirs"] = _by_polars(pairs, Path(folder))

        costs = interleave({"ours": ours, "theirs": theirs}, rounds)
        assert counts["ours"] == counts["theirs"], f"unlike numbers of survivors: {counts}"
    note = (
        f"{rows} rows, {counts['ours']} survive both; Parquet to Parquet; polars has {pl.thread_pool_size()} threads "
        f"and writes no digests; CPU seconds ours {costs['ours'].cpu:.2f}, theirs {costs['theirs'].cpu:.2f}"
    )
    return compare("exact dedup", "rows/s", "polars", rows, (costs["ours"].wall, costs["theirs"].wall), versions, note)


def _by_polars(source: Path, target: Path) -> int:
    """Keep the best row of each normalised question, plainly; return how many those are."""
    question = pl.col("question").str.normalize("NFD").str.to_lowercase().str.replace_all(r"\s+", " ")
    ranked = (
        pl.read_parquet(source / "*.parquet")
        .with_columns(question.str.strip_chars_start(" ").str.strip_chars_end(" ?.!").alias("key"))
        .sort("score", "qa_id", descending=[True, False])
    )
    best = ranked.unique("key", keep="first", maintain_order=True)
    fallen = ranked.join(best, on="qa_id", how="anti").join(best.select("key", survivor_id="qa_id"), on="key")
    best.drop("key").write_parquet(target / "best.parquet", compression="zstd", compression_level=1)
    fallen.select("qa_id", "survivor_id").write_parquet(
        target / "fallen.parquet", compression="zstd", compression_level=1
    )
    return best.height


def _near(peer: str, by_peer: Callable[[Sequence[str]], int], rows: int, rounds: int, versions: dict[str, str]) -> Row:
    originals = _questions(rows * 10 // 11, repeated=0)
    copies = _near_copies(originals[::10])
    questions = originals + copies
    random.Random(1).shuffle(questions)
    table = _table(questions)
    found: dict[str, int] = {}

    def ours() -> None:
        found["ours"] = one_per(near_rule(THRESHOLD, PERMUTATIONS, None), table)[1].num_rows

    def theirs() -> None:
        found["theirs"] = by_peer(table["question"].to_pylist())

    costs = interleave({"ours": ours, "theirs": theirs}, rounds)
    recalls = ", ".join(f"{name} {100 * count / len(copies):.1f} %" for name, count in found.items())
    note = (
        f"{len(questions)} questions, {len(copies)} planted; found: {recalls}; threshold {THRESHOLD}, "
        f"{PERMUTATIONS} permutations, {BANDS} bands for both"
    )
    seconds = (costs["ours"].wall, costs["theirs"].wall)
    return compare("near-duplicates", "rows/s", peer, len(questions), seconds, versions, note)


def _by_rensa(questions: Sequence[str]) -> int:
    """Return how many questions rensa refuses as duplicates, used as its README shows."""
    search = RMinHashDeduplicator(threshold=THRESHOLD, num_perm=PERMUTATIONS, use_lsh=True, num_bands=BANDS)
    return search.add_pairs((str(n), normalize_question(q).split()) for n, q in enumerate(questions)).count(False)


def _by_datasketch(questions: Sequence[str]) -> int:
    """Return how many questions find an earlier one, used as datasketch's documentation shows."""
    search = MinHashLSH(num_perm=PERMUTATIONS, params=(BANDS, PERMUTATIONS // BANDS))
    found = 0
    for number, question in enumerate(questions):
        signature = MinHash(num_perm=PERMUTATIONS)
        for word in normalize_question(question).split():
            signature.update(word.encode())
        found += bool(search.query(signature))
        search.insert(str(number), signature)
    return found


def _questions(count: int, repeated: float = 0.2) -> list[str]:
    """Return questions of 10 to 14 made-up words without names; this share are earlier ones in other letters."""
    rng = random.Random(0)
    words = ["".join(rng.choices(_SYLLABLES, k=rng.randint(1, 4))) for _ in range(20_000)]
    questions: list[str] = []
    for _ in range(count):
        if questions and rng.random() < repeated:
            questions.append(rng.choice(questions).upper().replace("?", " ?"))
        else:
            questions.append(" ".join(["What", *rng.choices(words, k=rng.randint(9, 13))]) + "?")
    return questions


def _near_copies(questions: Sequence[str]) -> list[str]:
    """Return each question with one word left out, put in or changed: a Jaccard similarity of at least 9 / 11."""
    rng = random.Random(2)
    copies: list[str] = []
    for question in questions:
        words = question.removesuffix("?").split()
        place = rng.randrange(1, len(words))
        words[place : place + rng.randint(0, 1)] = [f"{rng.choice(_SYLLABLES)}x"] * rng.randint(0, 1)
        copies.append(" ".join(words) + "?")
    return copies


def _table(questions: Sequence[str]) -> pa.Table:
    rng = np.random.default_rng(0)
    frame = pl.DataFrame(
        {
            "qa_id": [stable_id(number) for number in range(len(questions))],
            "question": questions,
            "answer": "yes",
            "passage_id": [stable_id(number // 8) for number in range(len(questions))],
            "start": rng.integers(0, 600, len(questions)),
            "origin": "generated",
            "generator": "0" * 16,
            "score": -rng.exponential(1, len(questions)).round(4),
        }
    )
    return rows_of(frame.with_columns(aliases=pl.lit([], pl.List(pl.String))), QA_PAIRS)


def _write(questions: Sequence[str], folder: Path) -> list[Shard]:
    """Write questions as shards of ``qa_pairs``."""
    table = _table(questions)
    files = [
        write_shard(table.slice(start, SHARD_ROWS), QA_PAIRS, folder, index)
        for index, start in enumerate(range(0, table.num_rows, SHARD_ROWS))
    ]
    return [Shard(folder / file.path, file.sha256, file.rows) for file in files]
