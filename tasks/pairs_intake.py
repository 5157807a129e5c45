"""Taking in question-answer corpora: files -> shards of candidates, pair_spans and rejects; memory stays flat."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import pyarrow as pa

from qamat_core import progress
from qamat_core.imported_pairs import CANDIDATES, candidate_row, span_row
from qamat_core.readers.pairs_formats import read_pairs
from qamat_core.readers.pairs_paq import INCONSISTENT
from qamat_core.store.shards import FileEntry, write_shard
from schemas.base import Frozen
from schemas.corpus import ImportConfig
from schemas.errors import InputError, RejectLimitError
from schemas.records import Reject
from schemas.tables import PAIR_SPANS, REJECTS
from tasks.runner import write_atomically


class Reading(Frozen):
    """What was read: the shards of each table below the work directory, and how many records were refused."""

    candidates: tuple[FileEntry, ...]
    pair_spans: tuple[FileEntry, ...]
    rejects: tuple[FileEntry, ...]
    read: int
    rejected: int


class RowWriter:
    """Writes the rows that it is given as shards of ``shard_rows`` rows; an empty table has one shard without rows."""

    def __init__(self, schema: pa.Schema, directory: Path, shard_rows: int) -> None:
        self._schema, self._directory, self._shard_rows = schema, directory, shard_rows
        self._waiting: list[dict[str, object]] = []
        self._shards: list[FileEntry] = []

    def add(self, row: dict[str, object]) -> None:
        """Append one row."""
        self._waiting.append(row)
        if len(self._waiting) == self._shard_rows:
            self._flush()

    def close(self) -> tuple[FileEntry, ...]:
        """Write what is left and return the shards."""
        if self._waiting or not self._shards:
            self._flush()
        return tuple(self._shards)

    def _flush(self) -> None:
        rows = pa.Table.from_pylist(self._waiting, schema=self._schema)
        self._shards.append(write_shard(rows, self._schema, self._directory, len(self._shards)))
        self._waiting = []


def take_in_pairs(config: ImportConfig, paths: Sequence[Path], work: Path) -> Reading:
    """Read files in order into ``work``; what a killed run had read to its end is not read again.

    Raises:
        RejectLimitError: too large a share of a file was rejected.
        InputError: a file cannot be read or holds nothing.
    """
    note = work / "reading.json"
    if not note.exists():
        write_atomically(note, _read(config, paths, work).model_dump_json())
    return Reading.model_validate_json(note.read_text())


def _read(config: ImportConfig, paths: Sequence[Path], work: Path) -> Reading:
    candidates = RowWriter(CANDIDATES, work / "candidates", config.shard_rows)
    spans = RowWriter(PAIR_SPANS, work / "pair_spans", config.shard_rows)
    rejects = RowWriter(REJECTS, work / "rejects", config.shard_rows)
    total = refused = 0
    for number, path in enumerate(paths):
        progress.report("files", number, len(paths))
        tally = _Tally(path)
        for item in read_pairs(path, config.format):
            tally.count(item if isinstance(item, Reject) else None)
            if isinstance(item, Reject):
                rejects.add(asdict(item))
                continue
            row = candidate_row(item, config.origin)
            candidates.add(row)
            for span in item.spans:
                spans.add(span_row(str(row["qa_id"]), span))
        tally.check(config.max_reject_share)
        total, refused = total + tally.read, refused + tally.rejected
    return Reading(
        candidates=candidates.close(),
        pair_spans=spans.close(),
        rejects=rejects.close(),
        read=total,
        rejected=refused,
    )


class _Tally:
    """The records of one file; holds of its rejects only the first that counts against the limit."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._first: Reject | None = None
        self._faults = 0
        self.read = self.rejected = 0

    def count(self, refused: Reject | None) -> None:
        self.read += 1
        self.rejected += refused is not None
        if refused is not None and refused.reason != INCONSISTENT:
            self._faults += 1
            self._first = self._first or refused

    def check(self, max_reject_share: float) -> None:
        if not self.read:
            raise InputError(f"{self._path}: no records in the file: give a file that is not empty")
        if self._first and self._faults > max_reject_share * self.read:
            raise RejectLimitError(
                f"{self._path}: {self._faults} of {self.read} records rejected, more than {max_reject_share:.2%}; "
                f"the first is {self._first.source}: {self._first.reason}; mend the file or name its right --format"
            )
