"""The index: a memory (qa_pairs) and the checkpoint whose encoder reads it -> index (keys, values, value tokens)."""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Final

import pyarrow as pa

from qamat_core import progress
from qamat_core.qamat.entries import COLUMNS, tokenise_entries
from qamat_core.qamat.index import IndexCard, encode_entries
from qamat_core.store.following import follows
from qamat_core.store.shards import iter_shard
from qamat_core.store.store import DirectoryDraft, Job, Store
from qamat_core.training.mesh import use_mesh
from qamat_core.training.processes import meet
from schemas.artifacts import ArtifactRef, Name
from schemas.errors import InputError
from schemas.qamat import IndexConfig
from schemas.resources import Resources
from tasks.qamat_stage import OpenCheckpoint, open_checkpoint

_READ_ROWS: Final = 4096
_REMEDY: Final = "run `qamat artifacts verify --discard`"


@dataclass(frozen=True)
class IndexInputs:
    """A memory and who encodes it."""

    memory: ArtifactRef
    encoder: ArtifactRef


def run(config: IndexConfig, inputs: IndexInputs, *, name: Name, resources: Resources) -> ArtifactRef:
    """Encode a memory and return its index; rows, tokens and vectors are in memory a batch at a time.

    Raises:
        InputError: the memory is empty.
    """
    store = Store(resources.home)
    job = Job(module=__name__, config=config, inputs=vars(inputs), outputs={"index": ("index", name)})

    def build(work: Path) -> Mapping[str, DirectoryDraft]:
        start = time.perf_counter()
        with use_mesh(resources.mesh):
            card = _encode(store, config, inputs, work)
        meet()
        speed = round(card.entries / (time.perf_counter() - start), 1)
        if follows():
            return {}
        card.save(work / "index")
        return {"index": DirectoryDraft(work / "index", notes={"entries": card.entries, "entries_per_second": speed})}

    return store.produce(job, build, together=True)["index"]


def _encode(store: Store, config: IndexConfig, inputs: IndexInputs, work: Path) -> IndexCard:
    checkpoint = open_checkpoint(store, inputs.encoder)
    count, shards = store.row(inputs.memory).rows, store.open_shards(inputs.memory)
    if not count:
        raise InputError(f"{inputs.memory} holds no pair to encode; regenerate the corpus or import pairs")
    encode_rows(checkpoint, chain.from_iterable(map(read_entries, shards)), count, config, work)
    return IndexCard(
        memory=inputs.memory,
        encoder=inputs.encoder.content,
        tokenizer=checkpoint.tokenizer.fingerprint,
        entries=count,
        dtype=config.dtype,
    )


def read_entries(shard: Path, columns: Sequence[str] = COLUMNS) -> Iterator[pa.RecordBatch]:
    """Yield what the tokens of a shard's entries are made of, or other columns."""
    return iter_shard(shard, _READ_ROWS, _REMEDY, [*columns])


def encode_rows(
    checkpoint: OpenCheckpoint, rows: Iterable[pa.RecordBatch], count: int, config: IndexConfig, work: Path
) -> None:
    """Encode ``count`` entries into ``work / "index"``, whatever a killed run had finished."""
    reader, tokenizer = checkpoint.reader, checkpoint.tokenizer
    tell = partial(progress.report, "tokenise memory")
    tokens = tokenise_entries(rows, count, tokenizer, reader.config, work / "tokens", tell)
    tell = partial(progress.report, "encode memory")
    encode_entries(reader, checkpoint.params, tokens, config, work / "index", tell)
