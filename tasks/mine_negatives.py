"""BM25 hard negatives: passages, qa_pairs -> negatives, pretrain_examples, rejects.

Every passage gives masked examples of its pairs, every example its negatives. read counts passages; one that no
pair of the memory can be masked in is rejected. Also works with a gold or an imported memory.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
from apache_beam.utils.shared import Shared

from qamat_core.hard_negatives import HardNegatives, Negative
from qamat_core.memory_columns import MemoryColumns
from qamat_core.pretraining_examples import MaskedPassage, mask_passage
from qamat_core.store.store import Job, Store
from schemas.artifacts import ArtifactRef, Name, TableKind
from schemas.corpus import NegativesConfig
from schemas.resources import Resources
from schemas.tables import NEGATIVES, PRETRAIN_EXAMPLES, REJECTS
from tasks.beam import Counted, Process, Setup, Tables, align, run_shards

OUTPUTS: tuple[TableKind, ...] = ("negatives", "pretrain_examples", "rejects")
NO_PAIR = "no pair of the memory has its answer in this passage"


@dataclass(frozen=True)
class NegativesInputs:
    """A corpus and a memory made of it."""

    passages: ArtifactRef
    qa_pairs: ArtifactRef


@dataclass(frozen=True)
class NegativesRefs:
    """Pre-training examples, aligned with the passages, with their negatives."""

    negatives: ArtifactRef
    pretrain_examples: ArtifactRef
    rejects: ArtifactRef


def run(config: NegativesConfig, inputs: NegativesInputs, *, name: Name, resources: Resources) -> NegativesRefs:
    """Make the pre-training examples ``name``."""
    store = Store(resources.home)
    job = Job(
        module=__name__,
        config=config,
        inputs={"passages": inputs.passages, "qa_pairs": inputs.qa_pairs},
        outputs={
            "negatives": ("negatives", name),
            "pretrain_examples": ("pretrain_examples", name),
            "rejects": ("rejects", f"{name}-negatives"),
        },
    )
    refs = store.produce(
        job,
        lambda work: run_shards(
            align(store, {"passages": inputs.passages}),
            miner(store.open_shards(inputs.qa_pairs), config),
            OUTPUTS,
            work,
            resources,
        ),
    )
    return NegativesRefs(**refs)


@dataclass(frozen=True)
class Miner:
    """A memory in host memory with its index: made once a process, searched by every worker thread."""

    memory: MemoryColumns
    negatives: HardNegatives
    config: NegativesConfig

    def process(self, tables: Tables) -> Counted:
        """Turn a shard of passages into examples, negatives and rejects."""
        examples: list[dict[str, object]] = []
        negatives: list[dict[str, object]] = []
        rejects: list[dict[str, object]] = []
        passages = tables["passages"].to_pylist()
        for passage in passages:
            masked = mask_passage(passage["passage_id"], passage["text"], self.memory, self.config)
            for example in masked:
                mined = self.negatives.mine(example, passage["text"])
                examples.append(_example_row(example, mined, passage["passage_id"], self.memory))
                negatives += _negative_rows(example, mined, self.memory)
            if not masked:
                rejects.append({"source": passage["source"], "record": passage["passage_id"], "reason": NO_PAIR})
        outputs = {
            "negatives": pa.Table.from_pylist(negatives, schema=NEGATIVES),
            "pretrain_examples": pa.Table.from_pylist(examples, schema=PRETRAIN_EXAMPLES),
            "rejects": pa.Table.from_pylist(rejects, schema=REJECTS),
        }
        return Counted(outputs, read=len(passages), kept=len(passages) - len(rejects), rejected=len(rejects))


def miner(memory: Sequence[Path], config: NegativesConfig) -> Setup:
    """Return the set-up of the job's workers: they share one ``Miner`` of the memory in these shards."""
    handle = Shared()

    def make() -> Miner:
        columns = MemoryColumns.read(memory)
        return Miner(columns, HardNegatives(columns, config), config)

    return lambda: _acquire(handle, make)


def _acquire(handle: Shared, make: Callable[[], Miner]) -> Process:
    return handle.acquire(make).process


def _example_row(
    example: MaskedPassage, mined: Sequence[Negative], passage_id: str, memory: MemoryColumns
) -> dict[str, object]:
    return {
        "example_id": example.example_id,
        "passage_id": passage_id,
        "masked_text": example.masked_text,
        "targets": list(example.targets),
        "positive_ids": [memory.ids[row] for row in example.rows],
        "negative_ids": [memory.ids[negative.row] for negative in mined],
    }


def _negative_rows(example: MaskedPassage, mined: Sequence[Negative], memory: MemoryColumns) -> list[dict[str, object]]:
    return [
        {
            "example_id": example.example_id,
            "qa_id": memory.ids[negative.row],
            "kind": negative.kind,
            "rank": rank,
            "score": negative.score,
        }
        for rank, negative in enumerate(mined)
    ]
