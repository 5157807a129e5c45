"""The generator: annotations, the passages that they stand in, a tokenizer -> checkpoint (role "generator")."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from qamat_core.generation.examples import collect
from qamat_core.generation.training import STAGE, fit_vocabulary, train_generator
from qamat_core.store.shards import read_shard
from qamat_core.store.store import DirectoryDraft, Job, Store
from qamat_core.tokenizer import Tokenizer
from qamat_core.training.checkpoint import CheckpointCard, save_checkpoint
from qamat_core.training.metrics import tensorboard
from schemas.artifacts import ArtifactRef, Name
from schemas.generation import TrainGeneratorConfig
from schemas.records import Annotation, Passage
from schemas.resources import Resources


@dataclass(frozen=True)
class GeneratorInputs:
    """What a generator is trained on."""

    passages: ArtifactRef
    annotations: ArtifactRef
    tokenizer: ArtifactRef


def run(config: TrainGeneratorConfig, inputs: GeneratorInputs, *, name: Name, resources: Resources) -> ArtifactRef:
    """Train a generator and return its checkpoint.

    Raises:
        TrainingError: the loss is not finite, or no annotation can be trained on.
    """
    store = Store(resources.home)
    job = Job(module=__name__, config=config, inputs=vars(inputs), outputs={"checkpoint": ("checkpoint", name)})

    def build(work: Path) -> Mapping[str, DirectoryDraft]:
        with tensorboard(store.home, name, job.keys()["checkpoint"]):
            return {"checkpoint": _train(store, config, inputs, work)}

    return store.produce(job, build)["checkpoint"]


def _train(store: Store, config: TrainGeneratorConfig, inputs: GeneratorInputs, work: Path) -> DirectoryDraft:
    tokenizer = Tokenizer.load(store.open_directory(inputs.tokenizer))
    config = config.model_copy(update={"model": fit_vocabulary(config.model, tokenizer)})
    data = collect(_passages(store, inputs.passages), _annotations(store, inputs.annotations), tokenizer, config)
    trained = train_generator(data, tokenizer, config, work)
    card = CheckpointCard(
        role=STAGE, model=config.model, tokenizer=inputs.tokenizer, settings=config.generator.model_dump(mode="json")
    )
    save_checkpoint(work / "checkpoint", trained.params, card, trained.history)
    notes = {"annotations": len(data.pairs), "left_out": data.left_out, "loss": round(trained.history[-1]["loss"], 6)}
    return DirectoryDraft(work / "checkpoint", notes=notes)


def _passages(store: Store, ref: ArtifactRef) -> Iterator[Passage]:
    for shard in store.open_shards(ref):
        yield from (Passage(**row) for row in read_shard(shard).to_pylist())


def _annotations(store: Store, ref: ArtifactRef) -> Iterator[Annotation]:
    for shard in store.open_shards(ref):
        for row in read_shard(shard).to_pylist():
            yield Annotation(**row | {"answers": tuple(row["answers"])})
