"""BM25 hard negatives: passages, qa_pairs -> negatives, pretrain_examples, rejects.

Every passage gives masked examples of its pairs, every example its negatives. read counts passages; one that no
pair of the memory can be masked in is rejected. Also works with a gold or an imported memory.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
from apache_beam.utils.shared import Shared

from qamat_core.bm25 import build_engine, open_engine
from qamat_core.hard_negatives import HardNegatives, Negative
from qamat_core.memory_columns import MemoryColumns
from qamat_core.pretraining_examples import MaskedPassage, mask_passage
from qamat_core.store.store import Job, Store, TableDraft
from schemas.artifacts import ArtifactRef, Name, TableKind
from schemas.corpus import NegativesConfig
from schemas.resources import Resources
from schemas.tables import NEGATIVES, PRETRAIN_EXAMPLES, REJECTS
from tasks.beam import Counted, Process, Setup, Tables, align, run_shards
from tasks.runner import filled_once

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

    def build(work: Path) -> dict[str, TableDraft]:
        folder = prepare(store.open_shards(inputs.qa_pairs), config, work)
        return run_shards(align(store, {"passages": inputs.passages}), miner(folder, config), OUTPUTS, work, resources)

    refs = store.produce(job, build)
    return NegativesRefs(**refs)


def prepare(memory: Sequence[Path], config: NegativesConfig, work: Path) -> Path:
    """Spread the memory in these shards and index its questions, once a job; return the folder of both."""

    def fill(folder: Path) -> None:
        columns = MemoryColumns.spread(memory, folder / "columns.arrow")
        index = folder / "index"
        build_engine(config.engine, columns.ids, columns.questions, index, k1=config.k1, b=config.b)

    return filled_once(work / "memory", fill)


@dataclass(frozen=True)
class Miner:
    """A memory with its index, mapped from files: opened once a process, searched by every worker thread."""

    memory: MemoryColumns
    negatives: HardNegatives
    config: NegativesConfig

    @classmethod
    def open(cls, folder: Path, config: NegativesConfig) -> "Miner":
        """Open what ``prepare`` made."""
        columns = MemoryColumns.open(folder / "columns.arrow")
        return cls(columns, HardNegatives(columns, open_engine(config.engine, folder / "index"), config), config)

    def process(self, tables: Tables) -> Counted:
        """Turn a shard of passages into examples, negatives and rejects."""
        passages = tables["passages"].to_pylist()
        masked = [mask_passage(row["passage_id"], row["text"], self.memory, self.config) for row in passages]
        made = [(row, example) for row, examples in zip(passages, masked, strict=True) for example in examples]
        mined = self.negatives.mine([example for _, example in made], [row["text"] for row, _ in made])
        examples: list[dict[str, object]] = []
        negatives: list[dict[str, object]] = []
        for (row, example), found in zip(made, mined, strict=True):
            examples.append(_example_row(example, found, row["passage_id"], self.memory))
            negatives += _negative_rows(example, found, self.memory)
        rejects = [
            {"source": row["source"], "record": row["passage_id"], "reason": NO_PAIR}
            for row, examples_made in zip(passages, masked, strict=True)
            if not examples_made
        ]
        outputs = {
            "negatives": pa.Table.from_pylist(negatives, schema=NEGATIVES),
            "pretrain_examples": pa.Table.from_pylist(examples, schema=PRETRAIN_EXAMPLES),
            "rejects": pa.Table.from_pylist(rejects, schema=REJECTS),
        }
        return Counted(outputs, read=len(passages), kept=len(passages) - len(rejects), rejected=len(rejects))


def miner(folder: Path, config: NegativesConfig) -> Setup:
    """Return the set-up of the job's workers: the threads of a process share one ``Miner`` of this folder."""
    handle = Shared()
    return lambda: _acquire(handle, lambda: Miner.open(folder, config))


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
