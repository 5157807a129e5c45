"""Asking a generator about rows: aligned shards -> model calls -> aligned shards of what came of them.

1. Plan: rows that the job's predecessor asked about are found again (``tasks.reuse``), the others wait.
2. Ask: the waiting rows of one or more shards are a group, its prompts make fixed batches (``tasks.inference``).
3. Put together: each shard's outputs, old and new, in the order of its rows.

A run that was stopped goes on at the batch where it was.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from qamat_core.generation.examples import source_length, target_length
from qamat_core.generation.generator import Search
from qamat_core.generation.quarantine import PREFIX, Decoded
from qamat_core.store.shards import read_shard
from qamat_core.store.store import Job, Store, TableDraft
from schemas.generation import BatchShape, GeneratorTask, PromptFormat
from schemas.resources import Resources
from tasks.beam import Counted, Shards, Tables, align, for_each, read_shards, run_receipts, telling, write_result
from tasks.generator_pool import generator_id, open_generator
from tasks.inference import AskGenerator, Model, Place, Prompt, count_answers, read_answers
from tasks.reuse import Asked, Earlier, merge
from tasks.runner import run_pipeline

GENERATOR: Final = "generator"
"""The label of the input that is asked; the others are aligned tables, ``passages`` among them."""
_BATCHES_PER_GROUP: Final = 16
"""Shards with few waiting rows share a group of about so many batches."""

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Stage:
    """What is asked about each row, and what is made of the answers."""

    task: GeneratorTask
    asked: Asked
    prompts: Callable[[PromptFormat, Row, Row], Sequence[str]]
    """The prompts about a row, given the format, the row's passage and the row."""
    sort_out: Callable[[Sequence[Row], Sequence[Sequence[Decoded]], Tables, "Source"], Mapping[str, pa.Table]]
    """The output tables of the rows, given what was decoded of each one's prompts and the shard's tables."""
    count: Callable[[Tables], tuple[int, int, int]]
    """The records read, kept and rejected, given a shard's output tables."""
    retrieve: Callable[[Sequence[Shards], Resources], list[Shards]] | None = None
    """Returns the shards with what is found elsewhere for their rows. What is asked then depends on more than a row and
    its passage, so nothing is taken over from an earlier run."""
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
    plan = Plan(stage, source, shards, earlier, work)
    counts = plan.count_waiting(resources)
    groups = group_shards(counts, max(1, _BATCHES_PER_GROUP * decoding.shape.rows // stage.prompts_per_row))
    _ask(plan, groups, sum(counts), model, resources)
    drafts = run_receipts(len(shards), lambda: plan.assembler(groups), tuple(stage.asked.columns), work, resources)
    return _with_notes(drafts, model_calls=count_answers(work), asked=sum(counts), found=plan.rows - sum(counts))


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
    earlier: Earlier | None
    work: Path

    @property
    def rows(self) -> int:
        """All rows that are asked about, waiting or known."""
        return sum(pq.read_metadata(shard[self.stage.asked.table]).num_rows for shard in self.shards)

    def count_waiting(self, resources: Resources) -> list[int]:
        """Return how many rows of each shard wait; leaves a file for each shard."""
        if self.earlier is None:
            return [pq.read_metadata(shard[self.stage.asked.table]).num_rows for shard in self.shards]
        (self.work / "waiting").mkdir(exist_ok=True)
        indexes = range(len(self.shards))
        todo = [index for index in indexes if not self._file(index).exists()]
        for_each(todo, lambda: self._find_waiting, self.work, resources)
        return [len(np.load(self._file(index))) for index in indexes]

    def _find_waiting(self, index: int) -> None:
        assert self.earlier is not None
        rows = self.earlier.waiting(self.stage.asked, read_shards(self.shards[index]))
        temporary = self._file(index).with_suffix(".tmp.npy")
        np.save(temporary, np.array(rows, np.int64))
        temporary.replace(self._file(index))

    def _file(self, index: int) -> Path:
        return self.work / "waiting" / f"{index:05d}.npy"

    def waiting(self, index: int, rows: int) -> list[int]:
        """Return the waiting rows of a shard of so many rows."""
        return list(range(rows)) if self.earlier is None else np.load(self._file(index)).tolist()

    def prompts(self, shards: Sequence[int]) -> list[Prompt]:
        """Return the prompts of the waiting rows of some shards."""
        return [prompt for shard in shards for prompt in self._prompts(shard)]

    def _prompts(self, shard: int) -> list[Prompt]:
        tables = read_shards(self.shards[shard])
        passages = {row["passage_id"]: row for row in tables["passages"].to_pylist()}
        asked = tables[self.stage.asked.table].to_pylist()
        return [
            Prompt(Place(shard, row, rank), text)
            for row in self.waiting(shard, len(asked))
            for rank, text in enumerate(
                self.stage.prompts(self.source.prompts, passages[asked[row]["passage_id"]], asked[row])
            )
        ]

    def assembler(self, groups: Sequence[Sequence[int]]) -> Callable[[int], None]:
        """Return the function that writes the outputs of a shard, by its number."""
        group_of = {shard: group for group, members in enumerate(groups) for shard in members}
        return lambda shard: self._assemble(shard, group_of[shard])

    def _assemble(self, shard: int, group: int) -> None:
        asked, tables = self.stage.asked, read_shards(self.shards[shard])
        rows = tables[asked.table].to_pylist()
        waiting = self.waiting(shard, len(rows))
        answers = read_answers(self.work, group, shard)
        found: dict[int, list[Decoded]] = {row: [] for row in waiting}
        for (row, _), decoded in sorted(answers.items(), key=lambda item: item[0]):
            found[row].append(decoded)
        new = self.stage.sort_out([rows[row] for row in waiting], list(found.values()), tables, self.source)
        old = {kind: table.slice(0, 0) for kind, table in new.items()}
        if self.earlier is not None:
            old = self.earlier.made(asked, tables)
        merged = merge(new, old, asked, [row[asked.key] for row in rows])
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
    quarantined = sum(
        reason.startswith(PREFIX)
        for kind, draft in drafts.items()
        if kind in ("rejects", "verdicts")
        for shard in draft.shards
        for reason in read_shard(draft.directory / shard.path, ["reason"])["reason"].to_pylist()
    )
    return {kind: replace(draft, notes={**notes, "quarantined": quarantined}) for kind, draft in drafts.items()}
