"""Training examples in Parquet shards of fixed-width rows, so that they need not fit in memory.

Packed once a stage, in two passes: each part of the examples is tokenised and its rows are dealt into buckets at
random, one row group each; then every bucket becomes a shard. An epoch takes the shards in an order of its own and the
rows of each in an order of their own, so that no two epochs cut the same batches; batches run across shards and epochs.
With one shard (small data) an epoch is a permutation of all rows.
"""

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from jaxtyping import Int, Int32

from qamat_core import progress
from qamat_core.qamat.examples import QueryExamples, joined
from qamat_core.store.following import follows, wait_for
from qamat_core.store.shards import FileEntry, iter_shard, sha256_of, write_shard

SHARD_ROWS: Final = 65536
"""Rows of a shard, about: they are permuted in memory."""
_READ_ROWS: Final = 1024
_MANIFEST: Final = "manifest.json"
_ROWS, _SHARDS, _DEAL = 0, 2, 3
"""Streams of random numbers, beside those of ``batches``: orders of rows and of shards, dealing rows into buckets."""

Part = Callable[[], QueryExamples]
"""Makes some of the examples."""


class PackedExamples:
    """The examples of a stage, in shards of so many rows; at most two of them are held, for one thread at a time."""

    def __init__(self, shards: Sequence[Path], counts: Sequence[int]) -> None:
        self.counts = tuple(counts)
        self._shards = tuple(shards)
        self._held = [_Held(max(counts)), _Held(max(counts))]
        self._lock = Lock()

    def __len__(self) -> int:
        return sum(self.counts)

    def batch(self, size: int, seed: int, step: int) -> QueryExamples:
        """Return the examples of a step, counted from 0.

        Raises:
            CorruptArtifactError: a page of a shard disagrees with its checksum.
        """
        with self._lock:
            parts = [self._hold(shard).take(rows) for shard, rows in places(self.counts, size, seed, step)]
        return parts[0] if len(parts) == 1 else joined(*parts)

    def _hold(self, shard: int) -> QueryExamples:
        path = self._shards[shard]
        if self._held[0].path != path:
            self._held.reverse()
        if self._held[0].path != path:
            self._held[0].read(path)
        return self._held[0].examples


class _Held:
    """One shard in arrays that the next one overwrites: getting memory for each would take longer than reading it."""

    def __init__(self, rows: int) -> None:
        self.path: Path | None = None
        self.examples: QueryExamples
        self._rows = rows
        self._arrays: dict[str, Int32[np.ndarray, "E W"]] = {}

    def read(self, path: Path) -> None:
        self.path, first = None, 0
        for batch in iter_shard(path, _READ_ROWS, "run it again, which packs the examples again"):
            for name, rows in vars(_from_batch(batch)).items():
                if name not in self._arrays:
                    self._arrays[name] = np.empty((self._rows, rows.shape[1]), np.int32)
                self._arrays[name][first : first + len(rows)] = rows
            first += len(batch)
        self.path, self.examples = path, QueryExamples(**{name: rows[:first] for name, rows in self._arrays.items()})


def places(counts: Sequence[int], size: int, seed: int, step: int) -> Iterator[tuple[int, Int[np.ndarray, " R"]]]:
    """Yield the shards and rows that make up the batch of a step, given the rows of all shards."""
    place, end, total = step * size, (step + 1) * size, sum(counts)
    while place < end:
        epoch, within = divmod(place, total)
        order = _permutation(len(counts), seed, _SHARDS, epoch, 0)
        ends = np.cumsum(np.asarray(counts)[order])
        at = int(np.searchsorted(ends, within, side="right"))
        shard = int(order[at])
        first = within - (int(ends[at]) - counts[shard])
        rows = _permutation(counts[shard], seed, _ROWS, epoch, shard)[first : first + end - place]
        yield shard, rows
        place += len(rows)


def chosen(rows: Int[np.ndarray, " R"], size: int, seed: int, step: int) -> Int[np.ndarray, " B"]:
    """Return which of some rows make up the batch of a step, in an order of their own every epoch."""
    return rows[np.concatenate([part for _, part in places((len(rows),), size, seed, step)])]


@lru_cache(maxsize=8)
def _permutation(count: int, seed: int, stream: int, epoch: int, shard: int) -> Int[np.ndarray, " E"]:
    return np.random.default_rng([seed, stream, epoch, shard]).permutation(count)


def pack_examples(parts: Sequence[Part], rows: int, directory: Path, seed: int) -> PackedExamples:
    """Pack the examples, unless that was done; what a killed run had finished is kept.

    Args:
        parts: the same ones each time; each is called at most once, and its examples fit in memory.
        rows: about how many rows they give: decides how many shards there are.
        directory: of the packed examples alone.
        seed: deals the rows.
    """
    if packed := wait_for(lambda: _found(directory)) if follows() else _found(directory):
        return packed
    dealt, buckets = directory / "dealt", max(1, round(rows / SHARD_ROWS))
    dealt.mkdir(parents=True, exist_ok=True)
    total = len(parts) + buckets
    for number, part in enumerate(parts):
        _deal(part, dealt / f"{number:05d}.parquet", buckets, [seed, _DEAL, number])
        progress.report("pack examples", number + 1, total)
    shards: list[FileEntry] = []
    for bucket in range(buckets):
        shards.append(_gather(sorted(dealt.glob("*.parquet")), bucket, directory))
        progress.report("pack examples", len(parts) + bucket + 1, total)
    shards = [shard for shard in shards if shard.rows]
    temporary = directory / f"{_MANIFEST}.tmp"
    temporary.write_text(json.dumps([shard.model_dump() for shard in shards], indent=1) + "\n")
    temporary.replace(directory / _MANIFEST)
    shutil.rmtree(dealt)
    return _open(directory, shards)


def _found(directory: Path) -> PackedExamples | None:
    """Return what was packed before; None, and nothing is left of it, if a shard is damaged."""
    manifest = directory / _MANIFEST
    if not manifest.exists():
        return None
    shards = [FileEntry.model_validate(shard) for shard in json.loads(manifest.read_text())]
    for shard in shards:
        path = directory / shard.path
        if not path.exists() or sha256_of(path) != shard.sha256:
            progress.warn(f"{path} is damaged: the examples are packed again")
            shutil.rmtree(directory)
            return None
    return _open(directory, shards)


def _open(directory: Path, shards: Sequence[FileEntry]) -> PackedExamples:
    return PackedExamples([directory / shard.path for shard in shards], [shard.rows for shard in shards])


def _deal(part: Part, path: Path, buckets: int, seed: Sequence[int]) -> None:
    """Write a part's examples with a row group for each bucket, their order kept."""
    if path.exists():
        return
    examples = part()
    bucket_of = np.random.default_rng(seed).integers(buckets, size=len(examples))
    temporary = path.with_suffix(".tmp")
    with pq.ParquetWriter(temporary, _to_table(examples).schema, compression="zstd", write_page_checksum=True) as file:
        for bucket in range(buckets):
            file.write_table(_to_table(examples.take(np.flatnonzero(bucket_of == bucket))), len(examples))
    temporary.replace(path)


def _gather(dealt: Sequence[Path], bucket: int, directory: Path) -> FileEntry:
    """Write a shard of what all parts dealt into a bucket, padded to the widest part."""
    files = [pq.ParquetFile(path, page_checksum_verification=True) for path in dealt]
    widths = [_from_batch(pa.RecordBatch.from_pylist([], file.schema_arrow)) for file in files]
    batches = [batch for file in files for batch in file.iter_batches(row_groups=[bucket])]
    table = _to_table(joined(*widths, *map(_from_batch, batches)))
    return write_shard(table, table.schema, directory, bucket)


def _to_table(examples: QueryExamples) -> pa.Table:
    columns = {
        name: pa.FixedSizeListArray.from_arrays(pa.array(np.ascontiguousarray(rows).ravel()), rows.shape[1])
        for name, rows in vars(examples).items()
    }
    return pa.table(columns)


def _from_batch(batch: pa.RecordBatch) -> QueryExamples:
    def rows(lists: Any) -> Int32[np.ndarray, "E W"]:
        width = lists.type.list_size  # the values of a slice are those of the whole; flatten() would copy them
        return lists.values.slice(lists.offset * width, len(lists) * width).to_numpy().reshape(len(lists), width)

    return QueryExamples(**dict(zip(batch.schema.names, map(rows, batch.columns), strict=True)))
