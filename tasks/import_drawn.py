"""A stand-in for an imported corpus: qa_pairs, their passages -> what ``import_pairs`` makes of a file of them.

Where others' pairs are at hand, ``import_pairs`` reads theirs. For the embedded world there are none: here a file is
written of the pairs (known to be right) of some passages, and imported in every way as a file of others is.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from qamat_core.store.store import Job, Store, TableDraft
from schemas.artifacts import ArtifactRef, Name
from schemas.corpus import ImportDrawnConfig
from schemas.resources import Resources
from tasks.import_pairs import ImportRefs, import_files
from tasks.runner import write_atomically


@dataclass(frozen=True)
class DrawnInputs:
    """The passages of a corpus, and right pairs of them."""

    passages: ArtifactRef
    qa_pairs: ArtifactRef


def run(config: ImportDrawnConfig, inputs: DrawnInputs, *, name: Name, resources: Resources) -> ImportRefs:
    """Import as ``name`` the pairs of a share of the passages."""
    store = Store(resources.home)
    job = Job(
        module=__name__,
        config=config,
        inputs=vars(inputs),
        outputs={
            "qa_pairs": ("qa_pairs", name),
            "pair_spans": ("pair_spans", name),
            "duplicates": ("duplicates", name),
            "rejects": ("rejects", f"{name}-pairs"),
        },
    )

    def build(work: Path) -> Mapping[str, TableDraft]:
        passages = store.open_table(inputs.passages, ["passage_id", "source", "source_id"])
        file = work / f"{name}.jsonl"
        lines = drawn_lines(config, passages, store.open_table(inputs.qa_pairs))
        write_atomically(file, "".join(f"{line}\n" for line in lines))
        return import_files(config.importing, [file], store.open_shards(inputs.passages), work, resources)

    return ImportRefs(**store.produce(job, build))


def drawn_lines(config: ImportDrawnConfig, passages: pa.Table, pairs: pa.Table) -> Iterator[str]:
    """Yield as JSON the pairs of the passages that are drawn, at least one: question, answer and where it stands."""
    rows = passages.sort_by("passage_id").to_pylist()
    count = max(1, round(config.passages_share * len(rows)))
    drawn = [rows[row] for row in np.random.default_rng(config.seed).permutation(len(rows))[:count]]
    where = {row["passage_id"]: {name: row[name] for name in ("source", "source_id")} for row in drawn}
    for pair in pairs.to_pylist():
        if (passage := where.get(pair["passage_id"])) is not None:
            kept = {name: pair[name] for name in ("question", "answer", "aliases", "start")}
            yield json.dumps(kept | passage, ensure_ascii=False)
