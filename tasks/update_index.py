"""Updating an index: an index, a later version of its memory, the encoder -> index of what changed alone.

Entries that are gone become tombstones, new and changed ones a tail; the index that is updated (``base``) is neither
copied nor changed. `compact_index` makes one index of both.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from qamat_core.indexes.splice import Splice
from qamat_core.memory_changes import find_changes
from qamat_core.qamat.index import IndexCard, check_encoder, load_card, save_splice
from qamat_core.store.following import follows
from qamat_core.store.shards import Shard
from qamat_core.store.store import DirectoryDraft, Job, Store
from qamat_core.training.mesh import use_mesh
from qamat_core.training.processes import meet
from schemas.artifacts import ArtifactRef, Name
from schemas.errors import IncompatibleArtifactError
from schemas.qamat import IndexConfig
from schemas.resources import Resources
from tasks.build_index import encode_rows, read_entries
from tasks.qamat_stage import open_checkpoint


@dataclass(frozen=True)
class UpdateInputs:
    """``index`` has all entries of an older version of ``memory``, as ``encoder`` encodes them."""

    index: ArtifactRef
    memory: ArtifactRef
    encoder: ArtifactRef


def run(config: IndexConfig, inputs: UpdateInputs, *, name: Name, resources: Resources) -> ArtifactRef:
    """Encode what is new in a memory since an index was built, and note what is gone.

    Raises:
        IncompatibleArtifactError: another encoder made the index, or it is an update itself.
    """
    store = Store(resources.home)
    job = Job(module=__name__, config=config, inputs=vars(inputs), outputs={"index": ("index", name)})

    def build(work: Path) -> Mapping[str, DirectoryDraft]:
        older = load_card(store.open_directory(inputs.index))
        if older.base is not None:
            raise IncompatibleArtifactError(f"{inputs.index} is an update itself: give the index that it updates")
        splice = find_changes(store.shards(older.memory), store.shards(inputs.memory))
        with use_mesh(resources.mesh):
            card = _encode(store, config, inputs, older, splice, work)
        meet()
        if follows():
            return {}
        save_splice(splice, work / "index")
        card.save(work / "index")
        notes = {"entries": splice.rows, "tail": splice.tail, "tombstones": len(splice.gone)}
        return {"index": DirectoryDraft(work / "index", notes=notes)}

    return store.produce(job, build, together=True)["index"]


def _encode(
    store: Store, config: IndexConfig, inputs: UpdateInputs, older: IndexCard, splice: Splice, work: Path
) -> IndexCard:
    checkpoint = open_checkpoint(store, inputs.encoder)
    check_encoder(older, inputs.encoder.content, checkpoint.tokenizer.fingerprint)
    tail = _tail(store.shards(inputs.memory), splice)
    encode_rows(checkpoint, tail, splice.tail, config, work)
    update = {"memory": inputs.memory, "entries": splice.rows, "base": inputs.index, "older": splice.older}
    return older.model_copy(update=update)


def _tail(memory: Sequence[Shard], splice: Splice) -> Iterator[pa.RecordBatch]:
    """Yield the entries of the tail, in order."""
    first = 0
    for shard in memory:
        new = splice.origin(np.arange(first, first + shard.rows)).in_tail
        first, start = first + shard.rows, 0
        for batch in read_entries(shard.path) if new.any() else ():
            yield batch.filter(pa.array(new[start : start + len(batch)]))
            start += len(batch)
