"""What an earlier run made already: rows of a job's predecessor, found again by passage.

A row that is asked about is known if the predecessor asked about it too, with the same code, configuration and
generator, and its passage has the same title (text and source stand in its id). What came of it is taken over as it is;
only records that were quarantined are tried again. Old shards need not be those of today: an index tells in which one
a passage stood.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as _compute

from qamat_core.generation.quarantine import PREFIX
from qamat_core.store.shards import read_shard
from qamat_core.store.store import Job, Store
from schemas.artifacts import ArtifactRef, TableKind
from schemas.errors import ArtifactError
from schemas.tables import TABLES
from tasks.beam import Columns, Shards, Tables, align, read_together

pc: Any = _compute  # its functions are made at import, so there are no types
Ids: TypeAlias = pa.ChunkedArray


@dataclass(frozen=True)
class Asked:
    """The table whose rows are asked about, its id, and for each output the column that names the asked row."""

    table: str
    key: str
    columns: Mapping[TableKind, str]

    @property
    def with_reasons(self) -> dict[TableKind, str]:
        """The outputs that tell of quarantined rows."""
        return {kind: column for kind, column in self.columns.items() if "reason" in TABLES[kind].names}

    def deciding(self) -> dict[str, list[str]]:
        """Return, by label, the columns that decide whether a row is known."""
        made = {f"made {kind}": [column, "reason"] for kind, column in self.with_reasons.items()}
        return {self.table: [self.key, "passage_id"], **made, "passages": ["passage_id", "title"]}


@dataclass(frozen=True)
class Earlier:
    """The predecessor's shards: its inputs by label, its outputs by kind; ``index`` tells where a passage stands."""

    name: str
    """The least key of its outputs."""
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
        return cls(min(ref.key for ref in made.values()), shards, index)

    def waiting(self, asked: Asked, shards: Sequence[Shards]) -> np.ndarray:
        """Return the rows of some of today's shards, one after another, that have to be asked about."""
        columns = asked.deciding()
        tables = read_together(shards, {label: columns[label] for label in (asked.table, "passages")})
        known = self._known(asked, tables, self._gather(tables["passages"]["passage_id"], columns))
        return np.flatnonzero(~known)

    def made(self, asked: Asked, rows: pa.Table) -> dict[str, pa.Table]:
        """Return, by kind, what the predecessor made of rows of today's that do not have to be asked about."""
        old = self._gather(rows["passage_id"], {f"made {kind}": None for kind in asked.columns})
        made = {kind: (old[f"made {kind}"], column) for kind, column in asked.columns.items()}
        return {kind: table.filter(among(table[column], rows[asked.key])) for kind, (table, column) in made.items()}

    def _known(self, asked: Asked, tables: Tables, old: Tables) -> np.ndarray:
        """Return for each row that is asked about today whether it is known."""
        rows, passages, before = tables[asked.table], tables["passages"], old["passages"]
        titles = before["title"].take(_places(passages["passage_id"], before["passage_id"]))
        same = passages["passage_id"].filter(pc.equal(titles, passages["title"]))  # null where the passage is new
        known = pc.and_(among(rows[asked.key], old[asked.table][asked.key]), among(rows["passage_id"], same))
        for kind, column in asked.with_reasons.items():
            known = pc.and_not(known, among(rows[asked.key], quarantined(old[f"made {kind}"])[column]))
        return known.to_numpy()

    def _gather(self, passages: Ids, columns: Columns) -> Tables:
        """Return these columns of the old shards in which these passages stood."""
        index = np.load(self.index, mmap_mode="r")
        wanted = _digests(passages)
        first, last = (np.searchsorted(index["digest"], wanted, side) for side in ("left", "right"))
        held = index["shard"][np.concatenate([first[first < last], last[first < last] - 1])]
        return read_together([self.shards[number] for number in np.unique(held).tolist()] or self.shards[:1], columns)


def _places(ids: Ids, others: Ids) -> pa.ChunkedArray:
    """Return where each id stands among others; null where it does not."""
    return pc.index_in(ids, value_set=others.combine_chunks())


def among(ids: Ids, others: Ids) -> pa.ChunkedArray:
    """Return for each id whether it is one of others."""
    return pc.is_in(ids, value_set=others.combine_chunks())


def quarantined(rows: pa.Table) -> pa.Table:
    """Return those rows of an output that say that asking about a record failed."""
    return rows.filter(pc.starts_with(rows["reason"], PREFIX))


def _index(passages: Iterable[Path]) -> np.ndarray:
    """Return digests of passage ids with the number of their shard, sorted."""
    digests = [_digests(read_shard(path, ["passage_id"])["passage_id"]) for path in passages]
    rows = np.empty(sum(map(len, digests)), [("digest", np.uint64), ("shard", np.int32)])
    rows["digest"] = np.concatenate(digests)
    rows["shard"] = np.repeat(np.arange(len(digests)), [len(some) for some in digests])
    return np.sort(rows, order="digest")


def _digests(ids: Ids) -> np.ndarray:
    whole = b"".join(hashlib.blake2b(one.encode(), digest_size=8).digest() for one in ids.to_pylist())
    return np.frombuffer(whole, np.uint64)


def merge(new: Tables, old: Tables, asked: Asked, keys: Ids, ends: Sequence[int]) -> list[dict[str, pa.Table]]:
    """Return new and old output rows together, in the order of the asked rows' ``keys``, cut into shards.

    ``ends`` are the numbers of asked rows up to the end of each shard.
    """
    merged: list[dict[str, pa.Table]] = [{} for _ in ends]
    for kind, column in asked.columns.items():
        rows = pa.concat_tables([new[kind], old[kind].cast(new[kind].schema)])
        places = _places(rows[column], keys).to_numpy()
        order = np.argsort(places, kind="stable")
        cuts = np.searchsorted(places[order], [0, *ends])
        rows = rows.take(pa.array(order, pa.int64())).combine_chunks()
        for shard, first, last in zip(merged, cuts[:-1].tolist(), cuts[1:].tolist(), strict=True):
            shard[kind] = rows.slice(first, last - first)
    return merged
