"""Pre-training examples of a memory without passages: qa_pairs -> pretrain_examples, rejects.

A pair's question, in the place of a masked passage, asks for other pairs with its answer; BM25 finds its hard
negatives. read counts pairs; one that gives no example is rejected.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
from apache_beam.utils.shared import Shared

from qamat_core.bm25 import BM25
from qamat_core.memory_columns import MemoryColumns
from qamat_core.question_examples import QuestionExample, QuestionExamples
from qamat_core.store.store import Job, Store, TableDraft
from schemas.artifacts import ArtifactRef, Name, TableKind
from schemas.human import QuestionExamplesConfig
from schemas.resources import Resources
from schemas.tables import PRETRAIN_EXAMPLES, REJECTS
from tasks.beam import Counted, Process, Setup, Tables, align, run_shards

OUTPUTS: tuple[TableKind, ...] = ("pretrain_examples", "rejects")
UNANSWERED = "no pair near its question has its answer"


def run(config: QuestionExamplesConfig, memory: ArtifactRef, *, name: Name, resources: Resources) -> ArtifactRef:
    """Make the pre-training examples ``name`` of a memory."""
    store = Store(resources.home)
    job = Job(
        module=__name__,
        config=config,
        inputs={"qa_pairs": memory},
        outputs={"pretrain_examples": ("pretrain_examples", name), "rejects": ("rejects", f"{name}-examples")},
    )

    def build(work: Path) -> dict[str, TableDraft]:
        shards = store.open_shards(memory)
        return run_shards(align(store, {"qa_pairs": memory}), miner(shards, config), OUTPUTS, work, resources)

    return store.produce(job, build)["pretrain_examples"]


@dataclass(frozen=True)
class Miner:
    """A memory in host memory with its index: made once a process, searched by every worker thread."""

    memory: MemoryColumns
    examples: QuestionExamples

    def process(self, tables: Tables) -> Counted:
        """Turn a shard of pairs into examples and rejects."""
        pairs = tables["qa_pairs"].select(["qa_id", "origin"]).to_pylist()
        made = self.examples.make([self.memory.row_of[pair["qa_id"]] for pair in pairs])
        rows = [self._row(pair["qa_id"], example) for pair, own in zip(pairs, made, strict=True) for example in own]
        rejects = [
            {"source": pair["origin"], "record": pair["qa_id"], "reason": UNANSWERED}
            for pair, own in zip(pairs, made, strict=True)
            if not own
        ]
        outputs = {
            "pretrain_examples": pa.Table.from_pylist(rows, schema=PRETRAIN_EXAMPLES),
            "rejects": pa.Table.from_pylist(rejects, schema=REJECTS),
        }
        return Counted(outputs, read=len(pairs), kept=len(pairs) - len(rejects), rejected=len(rejects))

    def _row(self, qa_id: str, example: QuestionExample) -> dict[str, object]:
        return {
            "example_id": example.example_id,
            "passage_id": qa_id,
            "masked_text": example.masked_text,
            "targets": [example.target],
            "positive_ids": [self.memory.ids[example.positive]],
            "negative_ids": [self.memory.ids[row] for row in example.negatives],
        }


def miner(memory: Sequence[Path], config: QuestionExamplesConfig) -> Setup:
    """Return the set-up of the job's workers: they share one ``Miner`` of the memory in these shards."""
    handle = Shared()

    def make() -> Miner:
        columns = MemoryColumns.read(memory)
        index = BM25(columns.ids, columns.questions, k1=config.k1, b=config.b)
        return Miner(columns, QuestionExamples(columns, index, config))

    return lambda: _acquire(handle, make)


def _acquire(handle: Shared, make: Callable[[], Miner]) -> Process:
    return handle.acquire(make).process
