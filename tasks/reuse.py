"""What an earlier run made already: rows of a job's predecessor, found again by passage.

A row that is asked about is known if the predecessor asked about it too, with the same code, configuration and
generator, and its passage has the same title (text and source stand in its id). What came of it is taken over as it is;
only records that were quarantined are tried again. Old shards need not be those of today: an index tells in which one
a passage stood.
"""

import hashlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa

from qamat_core.generation.quarantine import PREFIX
from qamat_core.store.shards import read_shard
from qamat_core.store.store import Job, Store
from schemas.artifacts import ArtifactRef, TableKind
from schemas.errors import ArtifactError
from tasks.beam import Shards, Tables, align

_KEPT_SHARDS: Final = 32
"""So many old shards of tables are held in memory at a time."""


@dataclass(frozen=True)
class Asked:
    """The table whose rows are asked about, its id, and for each output the column that names the asked row."""

    table: str
    key: str
    columns: Mapping[TableKind, str]


@dataclass(frozen=True)
class Earlier:
    """The predecessor's shards: its inputs by label, its outputs by kind; ``index`` tells where a passage stands."""

    shards: list[Shards]
    index: Path

    @classmethod
    def find(cls, store: Store, job: Job, generator: str, work: Path) -> "Earlier | None":
        """Return the predecessor of a job; None if there is none that the same generator made and that is whole.

        Args:
            store: the store.
            job: its inputs are aligned tables, ``passages`` among them, and the one labelled ``generator``.
            generator: that label.
            work: keeps the index.
        """
        made = store.predecessor(job)
        if made is None:
            return None
        given = store.row(next(iter(made.values()))).inputs
        if given[generator].content != job.inputs[generator].content:
            return None
        tables: dict[str, ArtifactRef] = {label: ref for label, ref in given.items() if label != generator}
        try:
            shards = align(store, tables | {f"made {ref.kind}": ref for ref in made.values()})
        except ArtifactError:
            return None
        index = work / "earlier.npy"
        np.save(index, _index(shard["passages"] for shard in shards))
        return cls(shards, index)

    def waiting(self, asked: Asked, tables: Tables) -> list[int]:
        """Return the rows of today's shard that have to be asked about."""
        known = self._known(asked, tables, self._gather(tables))
        return [row for row, key in enumerate(tables[asked.table][asked.key].to_pylist()) if key not in known]

    def made(self, asked: Asked, tables: Tables) -> dict[str, pa.Table]:
        """Return, by kind, what the predecessor made of the known rows of today's shard."""
        old = self._gather(tables)
        known = self._known(asked, tables, old)
        return {kind: _of(old[f"made {kind}"], column, known) for kind, column in asked.columns.items()}

    def _known(self, asked: Asked, tables: Tables, old: Tables) -> set[str]:
        titles = dict(_columns(old["passages"], "passage_id", "title"))
        same = {
            passage
            for passage, title in _columns(tables["passages"], "passage_id", "title")
            if titles.get(passage) == title
        }
        before = set(old[asked.table][asked.key].to_pylist()) - _quarantined(asked, old)
        return {
            key
            for key, passage in _columns(tables[asked.table], asked.key, "passage_id")
            if key in before and passage in same
        }

    def _gather(self, tables: Tables) -> Tables:
        """Return the old shards in which passages of today's shard stood."""
        index = np.load(self.index, mmap_mode="r")
        wanted = np.array([_digest(one) for one in tables["passages"]["passage_id"].to_pylist()], np.uint64)
        first, last = (np.searchsorted(index["digest"], wanted, side) for side in ("left", "right"))
        numbers = sorted(
            {int(index["shard"][place]) for low, high in zip(first, last, strict=True) for place in range(low, high)}
        )
        return {
            label: pa.concat_tables(
                [_read(path).slice(0, 0), *(_read(self.shards[number][label]) for number in numbers)]
            )
            for label, path in self.shards[0].items()
        }


def _of(table: pa.Table, column: str, keys: Collection[str]) -> pa.Table:
    return table.filter(pa.array([key in keys for key in table[column].to_pylist()], pa.bool_()))


def _columns(table: pa.Table, *names: str) -> Iterable[tuple[str, str]]:
    return zip(*(table[name].to_pylist() for name in names), strict=True)


def _quarantined(asked: Asked, old: Tables) -> set[str]:
    found: set[str] = set()
    for kind, column in asked.columns.items():
        table = old[f"made {kind}"]
        if "reason" in table.column_names:
            found |= {key for key, reason in _columns(table, column, "reason") if reason.startswith(PREFIX)}
    return found


def _index(passages: Iterable[Path]) -> np.ndarray:
    """Return digests of passage ids with the number of their shard, sorted."""
    rows = [
        (_digest(one), number)
        for number, path in enumerate(passages)
        for one in read_shard(path, ["passage_id"])["passage_id"].to_pylist()
    ]
    return np.sort(np.array(rows, [("digest", np.uint64), ("shard", np.int32)]))


def _digest(passage_id: str) -> int:
    return int.from_bytes(hashlib.blake2b(passage_id.encode(), digest_size=8).digest())


@lru_cache(maxsize=_KEPT_SHARDS)
def _read(path: Path) -> pa.Table:
    return read_shard(path)


def merge(new: Tables, old: Tables, asked: Asked, keys: Collection[str]) -> dict[str, pa.Table]:
    """Return new and old output rows together, in the order of the asked rows' ``keys``."""
    place = {key: number for number, key in enumerate(keys)}
    merged: dict[str, pa.Table] = {}
    for kind, column in asked.columns.items():
        rows = pa.concat_tables([new[kind], old[kind].cast(new[kind].schema)])
        order = np.argsort([place[key] for key in rows[column].to_pylist()], kind="stable")
        merged[kind] = rows.take(pa.array(order, pa.int64()))
    return merged
