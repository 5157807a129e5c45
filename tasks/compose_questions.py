"""Questions of a memory's own: qa_pairs -> qa_examples (data set "memory", split "train"), multihop_examples, rejects.

One row of ``multihop_examples`` a question names the entries that it was made of (tier "own" or "composed"). read
counts entries; one of which no question can be composed is rejected.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
from apache_beam.utils.shared import Shared

from qamat_core.batches import to_table
from qamat_core.composition import compose
from qamat_core.memory_columns import MemoryColumns
from qamat_core.store.store import Job, Store
from schemas.artifacts import ArtifactRef, Name, TableKind
from schemas.corpus import ComposeConfig
from schemas.records import QAExample, Reject
from schemas.resources import Resources
from schemas.tables import MULTIHOP_EXAMPLES
from tasks.beam import Counted, Process, Setup, Tables, align, run_shards

OUTPUTS: tuple[TableKind, ...] = ("qa_examples", "multihop_examples", "rejects")
DATASET, SPLIT = "memory", "train"
TIERS = {1: "own", 2: "composed"}
NOTHING_COMPOSED = "no other entry's answer stands in its question"


@dataclass(frozen=True)
class ComposedRefs:
    """The questions, and the entries that each was made of."""

    qa_examples: ArtifactRef
    multihop_examples: ArtifactRef


def run(config: ComposeConfig, memory: ArtifactRef, *, name: Name, resources: Resources) -> ComposedRefs:
    """Make the questions ``name`` of a memory."""
    store = Store(resources.home)
    job = Job(
        module=__name__,
        config=config,
        inputs={"qa_pairs": memory},
        outputs={
            "qa_examples": ("qa_examples", name),
            "multihop_examples": ("multihop_examples", name),
            "rejects": ("rejects", f"{name}-compose"),
        },
    )
    refs = store.produce(
        job,
        lambda work: run_shards(
            align(store, {"qa_pairs": memory}),
            composer(store.open_shards(memory), config),
            OUTPUTS,
            work,
            resources,
        ),
    )
    return ComposedRefs(refs["qa_examples"], refs["multihop_examples"])


@dataclass(frozen=True)
class Composer:
    """A memory in host memory: made once a process, read by every worker thread."""

    memory: MemoryColumns
    config: ComposeConfig

    def process(self, tables: Tables) -> Counted:
        """Make the questions that a shard of entries answers."""
        asked: dict[str, QAExample] = {}
        entries: dict[str, dict[str, object]] = {}
        rejects: list[Reject] = []
        finals = tables["qa_pairs"].column("qa_id").to_pylist()
        for qa_id in finals:
            final = self.memory.row_of[qa_id]
            answers = (self.memory.answers[final], *self.memory.aliases[final])
            made = list(compose(self.memory, final, self.config))
            for question, first, _ in made:
                example = QAExample.of(question, answers, DATASET, SPLIT)
                asked[example.example_id] = example
                entries[example.example_id] = self._row(example.example_id, first, qa_id)
            if not made:
                rejects.append(Reject("memory", qa_id, NOTHING_COMPOSED))
        outputs = {
            "qa_examples": to_table(asked.values(), "qa_examples"),
            "multihop_examples": pa.Table.from_pylist(list(entries.values()), schema=MULTIHOP_EXAMPLES),
            "rejects": to_table(rejects, "rejects"),
        }
        return Counted(outputs, read=len(finals), kept=len(finals) - len(rejects), rejected=len(rejects))

    def _row(self, example_id: str, first: int | None, final_id: str) -> dict[str, object]:
        return {
            "example_id": example_id,
            "first_qa_id": "" if first is None else self.memory.ids[first],
            "final_qa_id": final_id,
            "tier": TIERS[self.config.hops],
            "score": 0.0,
        }


def composer(memory: Sequence[Path], config: ComposeConfig) -> Setup:
    """Return the set-up of the job's workers: they share one ``Composer`` of the memory in these shards."""
    handle = Shared()

    def make() -> Composer:
        return Composer(MemoryColumns.read(memory), config)

    return lambda: _acquire(handle, make)


def _acquire(handle: Shared, make: Callable[[], Composer]) -> Process:
    return handle.acquire(make).process
