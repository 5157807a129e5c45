"""The index of passages by meaning: passages and a dense retriever's checkpoint -> passage_vectors."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Final

from qamat_core import progress
from qamat_core.passages.vectors import VectorsCard, encode_passages
from qamat_core.store.following import follows
from qamat_core.store.shards import iter_shard
from qamat_core.store.store import DirectoryDraft, Job, Store
from qamat_core.training.checkpoint import load_card
from qamat_core.training.mesh import use_mesh
from qamat_core.training.processes import meet
from schemas.artifacts import ArtifactRef, Name
from schemas.errors import ConfigError, InputError
from schemas.passages import DprConfig, MdrConfig
from schemas.qamat import IndexConfig
from schemas.resources import Resources
from tasks.qamat_stage import open_checkpoint

_REMEDY: Final = "run `qamat artifacts verify --discard`"


@dataclass(frozen=True)
class EncodingInputs:
    """Passages and who encodes them."""

    passages: ArtifactRef
    encoder: ArtifactRef


def run(config: IndexConfig, inputs: EncodingInputs, *, name: Name, resources: Resources) -> ArtifactRef:
    """Encode all passages and return their vectors; rows are in memory a batch at a time.

    Raises:
        ConfigError: ``encoder`` is no retriever of passages.
        InputError: there is no passage.
    """
    store = Store(resources.home)
    job = Job(module=__name__, config=config, inputs=vars(inputs), outputs={"vectors": ("passage_vectors", name)})

    def build(work: Path) -> Mapping[str, DirectoryDraft]:
        with use_mesh(resources.mesh):
            card = _encode(store, config, inputs, work / "vectors")
        meet()
        if follows():
            return {}
        card.save(work / "vectors")
        return {"vectors": DirectoryDraft(work / "vectors", notes={"passages": card.passages})}

    return store.produce(job, build, together=True)["vectors"]


def _encode(store: Store, config: IndexConfig, inputs: EncodingInputs, directory: Path) -> VectorsCard:
    count = store.row(inputs.passages).rows
    if not count:
        raise InputError(f"{inputs.passages} holds no passage to encode: ingest some")
    length = retriever_config(store, inputs.encoder).passage_length
    checkpoint = open_checkpoint(store, inputs.encoder)
    rows = (iter_shard(shard, config.batch_size, _REMEDY) for shard in store.open_shards(inputs.passages))
    encode_passages(
        checkpoint.reader,
        checkpoint.params,
        checkpoint.tokenizer,
        length,
        chain.from_iterable(rows),
        count,
        config,
        directory,
        partial(progress.report, "encode passages"),
    )
    return VectorsCard(
        memory=inputs.passages,
        encoder=inputs.encoder.content,
        tokenizer=checkpoint.tokenizer.fingerprint,
        passages=count,
        dtype=config.dtype,
    )


def retriever_config(store: Store, checkpoint: ArtifactRef) -> DprConfig:
    """Return what a retriever of passages was trained with; an ``MdrConfig`` for one of two hops.

    Raises:
        ConfigError: the checkpoint is none.
    """
    card = load_card(store.open_directory(checkpoint))
    kinds = {"dpr": DprConfig, "mdr": MdrConfig}
    if card.role not in kinds:
        raise ConfigError(f"{checkpoint} is no retriever of passages but of the role {card.role!r}: train one")
    return kinds[card.role].model_validate(card.settings)
