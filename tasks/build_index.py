"""The index: a memory (qa_pairs) and the checkpoint whose encoder reads it -> index (keys, values, value tokens)."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from qamat_core import progress
from qamat_core.qamat.entries import MemoryEntries
from qamat_core.qamat.index import IndexCard, encode_entries, save_index
from qamat_core.store.store import DirectoryDraft, Job, Store
from schemas.artifacts import ArtifactRef, Name
from schemas.errors import InputError
from schemas.qamat import IndexConfig
from schemas.resources import Resources
from tasks.qamat_stage import open_checkpoint


@dataclass(frozen=True)
class IndexInputs:
    """A memory and who encodes it."""

    memory: ArtifactRef
    encoder: ArtifactRef


def run(config: IndexConfig, inputs: IndexInputs, *, name: Name, resources: Resources) -> ArtifactRef:
    """Encode a memory and return its index.

    Raises:
        InputError: the memory is empty.
    """
    store = Store(resources.home)
    job = Job(module=__name__, config=config, inputs=vars(inputs), outputs={"index": ("index", name)})
    return store.produce(job, lambda work: {"index": _encode(store, config, inputs, work)})["index"]


def _encode(store: Store, config: IndexConfig, inputs: IndexInputs, work: Path) -> DirectoryDraft:
    checkpoint = open_checkpoint(store, inputs.encoder)
    pairs = store.open_table(inputs.memory)
    if not pairs.num_rows:
        raise InputError(f"{inputs.memory} holds no pair to encode; regenerate the corpus or import pairs")
    entries = MemoryEntries.of(pairs, checkpoint.tokenizer, checkpoint.reader.config)
    tell = partial(progress.report, "encode memory")
    memory = encode_entries(checkpoint.reader, checkpoint.params, entries, config.batch_size, tell)
    card = IndexCard(
        memory=inputs.memory,
        encoder=inputs.encoder.content,
        tokenizer=checkpoint.tokenizer.fingerprint,
        entries=len(entries),
    )
    save_index(work / "index", memory, card)
    return DirectoryDraft(work / "index", notes={"entries": len(entries)})
