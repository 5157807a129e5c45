"""Multi-hop mining: qa_examples, qa_pairs -> multihop_examples, rejects.

A row gives the entries that a question needs: ``final_qa_id`` answers it, ``first_qa_id`` comes before (empty for
tier "final-only"). read counts questions; one for which nothing is found is rejected.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
from apache_beam.utils.shared import Shared

from qamat_core.memory_columns import MemoryColumns
from qamat_core.multihop import HopMiner, Mined
from qamat_core.store.store import Job, Store
from schemas.artifacts import ArtifactRef, Name, TableKind
from schemas.corpus import MultihopConfig
from schemas.resources import Resources
from schemas.tables import MULTIHOP_EXAMPLES, REJECTS
from tasks.beam import Counted, Process, Setup, Tables, align, run_shards

OUTPUTS: tuple[TableKind, ...] = ("multihop_examples", "rejects")
NOTHING_FOUND = "the memory holds no entry that fits"


@dataclass(frozen=True)
class MultihopInputs:
    """Questions of a data set and the memory that is to answer them."""

    qa_examples: ArtifactRef
    qa_pairs: ArtifactRef


@dataclass(frozen=True)
class MultihopRefs:
    """What was mined, and the questions for which nothing was found."""

    multihop_examples: ArtifactRef
    rejects: ArtifactRef


def run(config: MultihopConfig, inputs: MultihopInputs, *, name: Name, resources: Resources) -> MultihopRefs:
    """Mine the entries ``name`` for the questions."""
    store = Store(resources.home)
    job = Job(
        module=__name__,
        config=config,
        inputs={"qa_examples": inputs.qa_examples, "qa_pairs": inputs.qa_pairs},
        outputs={"multihop_examples": ("multihop_examples", name), "rejects": ("rejects", f"{name}-multihop")},
    )
    refs = store.produce(
        job,
        lambda work: run_shards(
            align(store, {"qa_examples": inputs.qa_examples}),
            miner(store.open_shards(inputs.qa_pairs), config),
            OUTPUTS,
            work,
            resources,
        ),
    )
    return MultihopRefs(**refs)


@dataclass(frozen=True)
class Miner:
    """A memory in host memory with its index: made once a process, searched by every worker thread."""

    memory: MemoryColumns
    hops: HopMiner

    def process(self, tables: Tables) -> Counted:
        """Mine for a shard of questions."""
        found: list[dict[str, object]] = []
        rejects: list[dict[str, object]] = []
        examples = tables["qa_examples"].to_pylist()
        for example in examples:
            if mined := self.hops.mine(example["question"], example["answers"]):
                found.append(self._row(example["example_id"], mined))
            else:
                rejects.append({"source": example["dataset"], "record": example["example_id"], "reason": NOTHING_FOUND})
        outputs = {
            "multihop_examples": pa.Table.from_pylist(found, schema=MULTIHOP_EXAMPLES),
            "rejects": pa.Table.from_pylist(rejects, schema=REJECTS),
        }
        return Counted(outputs, read=len(examples), kept=len(found), rejected=len(rejects))

    def _row(self, example_id: str, mined: Mined) -> dict[str, object]:
        return {
            "example_id": example_id,
            "first_qa_id": "" if mined.first is None else self.memory.ids[mined.first],
            "final_qa_id": self.memory.ids[mined.final],
            "tier": mined.tier,
            "score": mined.score,
        }


def miner(memory: Sequence[Path], config: MultihopConfig) -> Setup:
    """Return the set-up of the job's workers: they share one ``Miner`` of the memory in these shards."""
    handle = Shared()

    def make() -> Miner:
        columns = MemoryColumns.read(memory)
        return Miner(columns, HopMiner(columns, config))

    return lambda: _acquire(handle, make)


def _acquire(handle: Shared, make: Callable[[], Miner]) -> Process:
    return handle.acquire(make).process
