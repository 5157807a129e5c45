"""Asking a generator about rows: aligned shards -> model calls -> aligned shards of what came of them.

1. Plan: rows that the job's predecessor asked about are found again (``tasks.reuse``), the others wait.
2. Ask: the waiting rows of one or more shards are a group, its prompts make fixed batches (``tasks.inference``).
3. Put together: each shard's outputs, old and new, in the order of its rows.

A run that was stopped goes on at the batch where it was.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from operator import itemgetter
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from qamat_core.generation.examples import source_length, target_length
from qamat_core.generation.generator import Search
from qamat_core.generation.quarantine import Decoded
from qamat_core.store.shards import read_shard
from qamat_core.store.store import Job, Store, TableDraft
from schemas.generation import BatchShape, GeneratorTask, PromptFormat
from schemas.resources import Resources
from tasks.beam import Counted, Shards, Tables, align, read_shards, read_together, run_receipts, telling, write_result
from tasks.generator_pool import generator_id, open_generator
from tasks.inference import AskGenerator, Model, Place, Prompt, count_answers, forget_answers, read_answers
from tasks.reuse import Asked, Earlier, among, merge, quarantined
from tasks.runner import run_pipeline, temporary_beside, write_atomically

GENERATOR: Final = "generator"
"""The label of the input that is asked; the others are aligned tables, ``passages`` among them."""
WAITING: Final = "waiting.npy"
"""The file of the rows that wait."""
_BATCHES_PER_GROUP: Final = 16
"""Shards with few waiting rows share a group of about so many batches."""
_ROWS_TOGETHER: Final = 4096
"""Shards with few rows are looked through, and put together, as many at a time as have about so many."""

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Stage:
    """What is asked about each row, and what is made of the answers."""

    task: GeneratorTask
    asked: Asked
    prompts: Callable[[PromptFormat, Row, Row], Sequence[str]]
    """The prompts about a row, given the format, the row's passage and the row."""
    sort_out: Callable[[Sequence[Row], Sequence[Sequence[Decoded]], Tables, "Source"], Mapping[str, pa.Table]]
    """The output tables of the rows, given what was decoded of each one's prompts, and the tables that stand beside."""
    count: Callable[[Tables], tuple[int, int, int]]
    """The records read, kept and rejected, given a shard's output tables."""
    retrieve: Callable[[Sequence[Shards], Resources], list[Shards]] | None = None
    """Returns the shards with what is found elsewhere for their rows. What is asked then depends on more than a row and
    its passage, so nothing is taken over from an earlier run."""
    beside: tuple[str, ...] = ()
    """The tables, by label, that ``sort_out`` reads besides the one that is asked about."""
    prompts_per_row: int = 1
    """About so many: for the size of groups and for the progress."""


@dataclass(frozen=True)
class Source:
    """Who answered: the generator's label, its prompt format, and the job's own label."""

    generator: str
    prompts: PromptFormat
    label: str = ""


@dataclass(frozen=True)
class Decoding:
    """How a stage decodes."""

    shape: BatchShape
    beam_size: int = 1
    length_penalty: float = 0.0


def run_stage(
    store: Store, stage: Stage, decoding: Decoding, job: Job, work: Path, resources: Resources, label: str = ""
) -> dict[str, TableDraft]:
    """Return a draft of each output kind of a job."""
    generator = open_generator(resources.home, job.inputs[GENERATOR], stage.task)  # a wrong one is refused here
    config = generator.config
    search = Search(
        target_length(stage.task, config), decoding.beam_size, decoding.length_penalty, decoding.shape.slots
    )
    length = source_length(stage.task, config)
    model = Model(resources.home, job.inputs[GENERATOR], length, search, decoding.shape)
    source = Source(generator_id(job.inputs[GENERATOR]), config.prompts, label)
    shards = align(store, {name: ref for name, ref in job.inputs.items() if name != GENERATOR})
    if stage.retrieve is None:
        earlier = Earlier.find(store, job, GENERATOR, work)
    else:
        earlier, shards = None, stage.retrieve(shards, resources)
    _forget_unless_of(earlier, work)
    plan = Plan(stage, source, shards, _sizes(shard[stage.asked.table] for shard in shards), earlier, work)
    counts = plan.count_waiting()
    groups = group_shards(counts, max(1, _BATCHES_PER_GROUP * decoding.shape.rows // stage.prompts_per_row))
    _ask(plan, groups, sum(counts), model, resources)
    runs = group_shards(plan.sizes, _ROWS_TOGETHER)
    drafts = run_receipts(runs, lambda: plan.assembler(groups), tuple(stage.asked.columns), work, resources)
    found = sum(plan.sizes) - sum(counts)
    return _with_notes(drafts, model_calls=count_answers(work), asked=sum(counts), found=found)


def _forget_unless_of(earlier: Earlier | None, work: Path) -> None:
    """Forget what a stopped run asked if it had another predecessor, for then other rows waited; shards stay right."""
    note, name = work / "earlier.txt", earlier.name if earlier else "none"
    if note.exists() and note.read_text() != name:
        forget_answers(work)
        (work / WAITING).unlink(missing_ok=True)
    write_atomically(note, name)


def _sizes(shards: Iterable[Path]) -> list[int]:
    return [pq.read_metadata(shard).num_rows for shard in shards]


def group_shards(counts: Sequence[int], enough: int) -> list[list[int]]:
    """Return the shards of each group: consecutive ones, until so many rows wait in them."""
    groups: list[list[int]] = []
    rows = enough
    for shard, count in enumerate(counts):
        if rows >= enough:
            groups.append([])
            rows = 0
        groups[-1].append(shard)
        rows += count
    return groups


@dataclass(frozen=True)
class Plan:
    """Which rows of which shards wait."""

    stage: Stage
    source: Source
    shards: list[Shards]
    sizes: list[int]
    """The rows of each shard that are asked about, waiting or known."""
    earlier: Earlier | None
    work: Path

    def count_waiting(self) -> list[int]:
        """Return how many rows of each shard wait; leaves a file of them."""
        if self.earlier is None:
            return self.sizes
        if not self._file.exists():
            with temporary_beside(self._file) as temporary, temporary.open("wb") as file:
                np.save(file, np.concatenate(list(self._find_waiting(self.earlier))))
        return [len(rows) for rows in self.waiting(range(len(self.shards)))]

    def _find_waiting(self, earlier: Earlier) -> Iterator[np.ndarray]:
        """Yield the waiting rows by their numbers in the whole table, having read ids and titles of some shards."""
        yield np.empty(0, np.int64)
        first = 0
        for run in group_shards(self.sizes, _ROWS_TOGETHER):
            yield first + earlier.waiting(self.stage.asked, [self.shards[shard] for shard in run])
            first += sum(self.sizes[shard] for shard in run)

    @property
    def _file(self) -> Path:
        return self.work / WAITING

    def waiting(self, shards: Sequence[int]) -> list[list[int]]:
        """Return the waiting rows of each of some shards."""
        if self.earlier is None:
            return [list(range(self.sizes[shard])) for shard in shards]
        waiting = np.load(self._file, mmap_mode="r")
        starts = np.cumsum([0, *self.sizes])
        cuts = np.searchsorted(waiting, starts)
        return [(waiting[cuts[shard] : cuts[shard + 1]] - starts[shard]).tolist() for shard in shards]

    def prompts(self, shards: Sequence[int]) -> list[Prompt]:
        """Return the prompts of the waiting rows of some shards."""
        waiting = zip(shards, self.waiting(shards), strict=True)
        return [prompt for shard, rows in waiting if rows for prompt in self._prompts(shard, rows)]

    def _prompts(self, shard: int, waiting: Sequence[int]) -> Iterator[Prompt]:
        tables = read_shards({label: self.shards[shard][label] for label in (self.stage.asked.table, "passages")})
        asked = tables[self.stage.asked.table].take(waiting)
        passages = tables["passages"].filter(among(tables["passages"]["passage_id"], asked["passage_id"]))
        known = {row["passage_id"]: row for row in passages.to_pylist()}
        for number, row in zip(waiting, asked.to_pylist(), strict=True):
            prompts = self.stage.prompts(self.source.prompts, known[row["passage_id"]], row)
            yield from (Prompt(Place(shard, number, rank), text) for rank, text in enumerate(prompts))

    def assembler(self, groups: Sequence[Sequence[int]]) -> Callable[[Sequence[int]], None]:
        """Return the function that writes the outputs of some shards, by their numbers."""
        group_of = {shard: group for group, members in enumerate(groups) for shard in members}
        return lambda run: self._assemble(run, group_of)

    def _assemble(self, run: Sequence[int], group_of: Mapping[int, int]) -> None:
        asked = self.stage.asked
        columns = dict.fromkeys((asked.table, *self.stage.beside))
        tables = read_together([self.shards[shard] for shard in run], columns)
        rows = tables[asked.table]
        ends = np.cumsum([self.sizes[shard] for shard in run]).tolist()
        found: dict[int, list[Decoded]] = {}
        for shard, first, waiting in zip(run, [0, *ends[:-1]], self.waiting(run), strict=True):
            found |= {first + row: [] for row in waiting}
            for (row, _), decoded in sorted(read_answers(self.work, group_of[shard], shard).items(), key=itemgetter(0)):
                found[first + row].append(decoded)
        places = np.array([*found], np.int64)
        new = self.stage.sort_out(rows.take(places).to_pylist(), list(found.values()), tables, self.source)
        old = {kind: table.slice(0, 0) for kind, table in new.items()}
        if self.earlier is not None:
            old = self.earlier.made(asked, rows.take(np.delete(np.arange(len(rows)), places)))
        for shard, merged in zip(run, merge(new, old, asked, rows[asked.key], ends), strict=True):
            write_result(self.work, shard, Counted(merged, *self.stage.count(merged)), tuple(asked.columns))


def _ask(plan: Plan, groups: Sequence[Sequence[int]], rows: int, model: Model, resources: Resources) -> None:
    if not rows:
        return
    calls = -(-rows * plan.stage.prompts_per_row // model.shape.rows)
    ask = AskGenerator(range(len(groups)), lambda: lambda group: plan.prompts(groups[group]), model, plan.work)
    with telling("model calls", lambda: count_answers(plan.work), calls):
        run_pipeline(lambda root: root | "AskGenerator" >> ask, plan.work, resources)


def _with_notes(drafts: Mapping[str, TableDraft], **notes: int) -> dict[str, TableDraft]:
    """Note model calls, rows asked about and found again, and records quarantined."""
    failed = sum(
        len(quarantined(read_shard(draft.directory / shard.path, ["reason"])))
        for kind, draft in drafts.items()
        if kind in ("rejects", "verdicts")
        for shard in draft.shards
    )
    return {kind: replace(draft, notes={**notes, "quarantined": failed}) for kind, draft in drafts.items()}
