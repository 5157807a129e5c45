"""A memory that people wrote: tables of qa_examples, imported qa_pairs -> qa_pairs, duplicates, qa_examples.

The questions of the data sets stand in the memory and are what is learned from: they come out as one table too. read
counts questions and pairs; rejected are duplicates, those with the same id counted once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from qamat_core.batches import write_tables
from qamat_core.human_pairs import gather, pairs_of
from qamat_core.store.store import Job, Store, TableDraft, write_table
from schemas.artifacts import ArtifactRef, Name
from schemas.human import GatherConfig
from schemas.resources import Resources


@dataclass(frozen=True)
class GatheredRefs:
    """The memory, what fell to deduplication, and the questions of all data sets in one table."""

    qa_pairs: ArtifactRef
    duplicates: ArtifactRef
    qa_examples: ArtifactRef


def run(
    config: GatherConfig,
    questions: Sequence[ArtifactRef],
    imported: Sequence[ArtifactRef],
    *,
    name: Name,
    resources: Resources,
) -> GatheredRefs:
    """Make the memory ``name`` of the questions of data sets and of imported pairs."""
    store = Store(resources.home)
    inputs = {f"questions-{number}": ref for number, ref in enumerate(questions)}
    inputs |= {f"imported-{number}": ref for number, ref in enumerate(imported)}
    job = Job(
        module=__name__,
        config=config,
        inputs=inputs,
        outputs={
            "qa_pairs": ("qa_pairs", name),
            "duplicates": ("duplicates", name),
            "qa_examples": ("qa_examples", f"{name}-train"),
        },
    )

    def build(work: Path) -> dict[str, TableDraft]:
        asked = [store.open_table(ref) for ref in questions]
        pairs = [*map(pairs_of, asked), *(store.open_table(ref) for ref in imported)]
        read = sum(table.num_rows for table in pairs)
        memory, duplicates = gather(pairs)
        examples = pa.concat_tables(asked)
        return {
            "qa_pairs": write_tables(
                memory, "qa_pairs", work / "qa_pairs", config.shard_rows, read=read, rejected=read - memory.num_rows
            ),
            "duplicates": write_table(duplicates, "duplicates", work, read=duplicates.num_rows),
            "qa_examples": write_table(examples, "qa_examples", work, read=examples.num_rows),
        }

    return GatheredRefs(**store.produce(job, build))
