"""What an imported corpus leaves uncovered: passages, pair_spans -> passages (section 4.1: the 10M blocks beside PAQ).

A passage is covered when a span of the imported pairs, of duplicates too, has its source and source id. Shard i holds
what is left of the given passages' shard i, in their order. read = passages, kept = left, rejected = covered.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from qamat_core.passage_sets import held, passages_in
from qamat_core.store.store import Job, Store, TableDraft
from schemas.artifacts import ArtifactRef, Name
from schemas.corpus import ComplementConfig
from schemas.errors import IncompatibleArtifactError
from schemas.resources import Resources
from tasks.beam import Counted, Process, Tables, align, run_shards


@dataclass(frozen=True)
class ComplementInputs:
    """All passages, and where the pairs of the imported corpora came from."""

    passages: ArtifactRef
    pair_spans: tuple[ArtifactRef, ...]


def run(config: ComplementConfig, inputs: ComplementInputs, *, name: Name, resources: Resources) -> ArtifactRef:
    """Make the passages ``name`` that no imported pair comes from.

    Raises:
        IncompatibleArtifactError: no passage is covered: the imported ids are of other passages, or there are none.
    """
    store = Store(resources.home)
    spans = {f"pair_spans-{number}": ref for number, ref in enumerate(inputs.pair_spans)}
    job = Job(
        module=__name__,
        config=config,
        inputs={"passages": inputs.passages} | spans,
        outputs={"passages": ("passages", name)},
    )

    def build(work: Path) -> Mapping[str, TableDraft]:
        known = work / "covered.npy"
        np.save(known, passages_in([path for ref in inputs.pair_spans for path in store.open_shards(ref)]))
        shards = align(store, {"passages": inputs.passages})
        drafts = run_shards(shards, lambda: _leaver_out(known), ("passages",), work, resources)
        if not drafts["passages"].rejected:
            given = ", ".join(map(str, inputs.pair_spans))
            raise IncompatibleArtifactError(
                f"{given} names no passage of {inputs.passages}: import pairs with their passages' ids (PAQ's metadata)"
            )
        return drafts

    return store.produce(job, build)["passages"]


def _leaver_out(known: Path) -> Process:
    covered = np.load(known, mmap_mode="r")

    def process(tables: Tables) -> Counted:
        passages = tables["passages"]
        left = passages.filter(pa.array(~held(passages, covered)))
        read = passages.num_rows
        return Counted({"passages": left}, read=read, kept=left.num_rows, rejected=read - left.num_rows)

    return process
