"""How rows flow: one element is one shard of each input table, one output shard a table comes of it.

Shards are aligned: shard i of answers, questions and verdicts was made of shard i of passages, so joins stay
inside an element and memory stays flat in the number of passages. A finished shard leaves a receipt in the work
directory; a job that was killed goes on with the shards that have none. Writing is idempotent (shards are named by
content), so a replayed bundle changes nothing.
"""

import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import copy_context
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import apache_beam as beam
import pyarrow as pa
from apache_beam.pvalue import PBegin, PCollection

from qamat_core import progress
from qamat_core.store.shards import FileEntry, read_shard, write_shard
from qamat_core.store.store import Store, TableDraft
from schemas import errors
from schemas.artifacts import ArtifactRef, TableKind
from schemas.base import Frozen
from schemas.resources import Resources
from schemas.tables import TABLES
from tasks.runner import Packed, run_pipeline, working, write_atomically

SECONDS_BETWEEN = 1.0
"""How often receipts are counted while a job runs."""

T = TypeVar("T")

Tables = Mapping[str, pa.Table]
Shards = Mapping[str, Path]
Columns = Mapping[str, Sequence[str] | None]
"""Columns by the label of their table; None for all."""


class Receipt(Frozen):
    """What became of one element: the shard written for each output, and the records read, kept and rejected."""

    index: int
    shards: dict[str, FileEntry]
    read: int
    kept: int
    rejected: int


@dataclass(frozen=True)
class Counted:
    """The output tables of one element with its record counts."""

    tables: Tables
    read: int
    kept: int
    rejected: int


Process = Callable[[Tables], Counted]
Setup = Callable[[], Process]


def align(store: Store, tables: Mapping[str, ArtifactRef]) -> list[Shards]:
    """Return, for every shard number, the shard of each table by label.

    Raises:
        IncompatibleArtifactError: the tables do not have the same number of shards.
    """
    paths = {label: store.open_shards(ref) for label, ref in tables.items()}
    if len({len(shards) for shards in paths.values()}) != 1:
        counts = ", ".join(f"{tables[label]} has {len(shards)}" for label, shards in paths.items())
        raise errors.IncompatibleArtifactError(
            f"tables of one corpus have equally many shards, but {counts}; regenerate it"
        )
    return [dict(zip(paths, row, strict=True)) for row in zip(*paths.values(), strict=True)]


def run_shards(
    elements: Sequence[Shards],
    setup: Setup,
    outputs: Sequence[TableKind],
    work: Path,
    resources: Resources,
) -> dict[str, TableDraft]:
    """Run a job over aligned shards and return a draft of each output table.

    Args:
        elements: for every shard number the input shards by label.
        setup: called once a worker thread; returns the function that processes one element (loads models, indexes).
        outputs: the kinds of table that the function returns.
        work: keeps shards and receipts; what has a receipt is not processed again.
        resources: the runner and its workers.
    """

    def prepare() -> Callable[[Sequence[int]], None]:
        process = setup()

        def write(run: Sequence[int]) -> None:
            for index in run:
                write_result(work, index, process(read_shards(elements[index])), outputs)

        return write

    return run_receipts([[index] for index in range(len(elements))], prepare, outputs, work, resources)


def run_receipts(
    runs: Sequence[Sequence[int]],
    prepare: Callable[[], Callable[[Sequence[int]], None]],
    outputs: Sequence[TableKind],
    work: Path,
    resources: Resources,
) -> dict[str, TableDraft]:
    """Let a function leave a receipt for each element of each run of elements; return a draft of each output table.

    It is called once a run, with those of its elements that have no receipt yet.
    """
    indexes = [index for run in runs for index in run]

    def prepare_once() -> Callable[[Sequence[int]], None]:
        function = prepare()
        return lambda run: function(left) if (left := unfinished(work, run)) else None

    with telling("shards", lambda: len(indexes) - len(unfinished(work, indexes)), len(indexes)):
        for_each([run for run in runs if unfinished(work, run)], prepare_once, work, resources)
    receipts = read_receipts(work, indexes)
    return {kind: draft_of(kind, receipts, work) for kind in outputs}


def read_shards(shards: Shards) -> Tables:
    """Read one shard of each table."""
    return {label: read_shard(path) for label, path in shards.items()}


def read_together(shards: Sequence[Shards], columns: Columns) -> dict[str, pa.Table]:
    """Read some shards of each table named, one after another."""
    return {
        label: pa.concat_tables([read_shard(shard[label], [*names] if names else None) for shard in shards])
        for label, names in columns.items()
    }


def for_each(
    items: Sequence[T], prepare: Callable[[], Callable[[T], object]], work: Path, resources: Resources
) -> None:
    """Call on every item, spread over the workers, the function that ``prepare`` returns once a worker thread."""
    if items:
        run_pipeline(lambda root: root | "ForEach" >> ForEach(items, prepare, work), work, resources)


class ForEach(beam.PTransform[PBegin, PCollection[None]], Generic[T]):
    """Calls a function on every item."""

    def __init__(self, items: Sequence[T], prepare: Callable[[], Callable[[T], object]], work: Path) -> None:
        super().__init__()
        self._items, self._prepare, self._work = items, Packed(prepare), work

    def expand(self, input_or_inputs: PBegin) -> PCollection[None]:
        """Apply to the root of a pipeline; nothing comes out."""
        return (  # pyright: ignore[reportReturnType]
            input_or_inputs
            | "Items" >> beam.Create(self._items, reshuffle=False)
            | "SpreadOverWorkers" >> beam.Reshuffle()
            | "Call" >> beam.ParDo(_Call(self._prepare, self._work))
        )


class _Call(beam.DoFn, Generic[T]):
    def __init__(self, prepare: Packed[Callable[[T], object]], work: Path) -> None:
        self._prepare, self._work = prepare, work

    def setup(self) -> None:
        with working(self._work):
            self._function = self._prepare.call()

    def process(self, element: T) -> Iterator[None]:  # pyright: ignore[reportIncompatibleMethodOverride]
        with working(self._work):
            self._function(element)
        yield from ()


def write_result(work: Path, index: int, result: Counted, outputs: Sequence[TableKind]) -> None:
    """Write the output shards of element ``index``, then its receipt."""
    shards = {kind: write_shard(result.tables[kind], TABLES[kind], work / kind, index) for kind in outputs}
    receipt = Receipt(index=index, shards=shards, read=result.read, kept=result.kept, rejected=result.rejected)
    write_atomically(_receipt(work, index), receipt.model_dump_json())


def unfinished(work: Path, indexes: Iterable[int]) -> list[int]:
    """Return the indexes of the elements that have no receipt yet."""
    return [index for index in indexes if not _receipt(work, index).exists()]


@contextmanager
def telling(what: str, done: Callable[[], int], total: int) -> Generator[None]:
    """Tell how much is done while the block runs: files say so, wherever the workers are."""
    ended = threading.Event()

    def tell() -> None:
        pause = SECONDS_BETWEEN
        while not ended.wait(pause):
            began = time.monotonic()
            progress.report(what, min(done(), total), total)
            pause = max(SECONDS_BETWEEN, 10 * (time.monotonic() - began))

    teller = threading.Thread(target=copy_context().run, args=(tell,), daemon=True)
    teller.start()
    try:
        yield
    finally:
        ended.set()
        teller.join()


def read_receipts(work: Path, indexes: Iterable[int]) -> list[Receipt]:
    """Return the receipts of finished elements, in the order of ``indexes``."""
    return [Receipt.model_validate_json(_receipt(work, index).read_text()) for index in indexes]


def draft_of(kind: TableKind, receipts: Sequence[Receipt], work: Path) -> TableDraft:
    """Return the table made of the receipts' shards of this kind, with the sums of their record counts."""
    return TableDraft(
        work / kind,
        tuple(receipt.shards[kind] for receipt in receipts),
        read=sum(receipt.read for receipt in receipts),
        kept=sum(receipt.kept for receipt in receipts),
        rejected=sum(receipt.rejected for receipt in receipts),
    )


def _receipt(work: Path, index: int) -> Path:
    return work / f"receipt-{index:05d}.json"
