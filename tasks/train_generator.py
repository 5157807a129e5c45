"""The generator: annotations, the passages that they stand in, a tokenizer, a T5 -> checkpoint (role "generator")."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import gcd
from pathlib import Path

from qamat_core.generation.examples import collect
from qamat_core.generation.training import STAGE, fit_vocabulary, train_generator
from qamat_core.store.shards import read_shard
from qamat_core.store.store import DirectoryDraft, Job, Store
from qamat_core.tokenizer import Tokenizer
from qamat_core.training.checkpoint import CheckpointCard, load_params, save_checkpoint
from qamat_core.training.mesh import make_mesh, use_mesh
from qamat_core.training.metrics import tensorboard
from qamat_core.training.partitioning import DATA
from schemas.artifacts import ArtifactRef, Name
from schemas.generation import TaskRows, TrainGeneratorConfig
from schemas.records import Annotation, Passage
from schemas.resources import Resources
from schemas.training import MeshShape


@dataclass(frozen=True)
class GeneratorInputs:
    """What a generator is trained on."""

    passages: ArtifactRef
    annotations: ArtifactRef
    tokenizer: ArtifactRef
    start: ArtifactRef | None = None
    """A T5 with this tokenizer that it starts from; None for random weights."""


def run(config: TrainGeneratorConfig, inputs: GeneratorInputs, *, name: Name, resources: Resources) -> ArtifactRef:
    """Train a generator and return its checkpoint.

    Raises:
        TrainingError: the loss is not finite, or no annotation can be trained on.
    """
    store = Store(resources.home)
    given = {label: ref for label, ref in vars(inputs).items() if ref is not None}
    job = Job(module=__name__, config=config, inputs=given, outputs={"checkpoint": ("checkpoint", name)})

    def build(work: Path) -> Mapping[str, DirectoryDraft]:
        mesh = mesh_for(config.rows, resources.mesh)
        with use_mesh(mesh), tensorboard(store.home, name, job.keys()["checkpoint"]):
            return {"checkpoint": _train(store, config, inputs, work)}

    return store.produce(job, build)["checkpoint"]


def _train(store: Store, config: TrainGeneratorConfig, inputs: GeneratorInputs, work: Path) -> DirectoryDraft:
    tokenizer = Tokenizer.load(store.open_directory(inputs.tokenizer))
    model = fit_vocabulary(config.model, tokenizer) if inputs.start is None else config.model
    config = config.model_copy(update={"model": model})
    params = None if inputs.start is None else load_params(store.open_directory(inputs.start))
    data = collect(_passages(store, inputs.passages), _annotations(store, inputs.annotations), tokenizer, config)
    trained = train_generator(data, tokenizer, config, work, params)
    card = CheckpointCard(
        role=STAGE, model=config.model, tokenizer=inputs.tokenizer, settings=config.generator.model_dump(mode="json")
    )
    save_checkpoint(work / "checkpoint", trained.params, card, trained.history)
    notes = {"annotations": len(data.pairs), "left_out": data.left_out, "loss": round(trained.history[-1]["loss"], 6)}
    return DirectoryDraft(work / "checkpoint", notes=notes)


def mesh_for(rows: TaskRows, shape: MeshShape) -> MeshShape:
    """Return a mesh of at most this shape whose data axis divides the rows of every task.

    Raises:
        ConfigError: there are fewer devices than the shape asks for.
    """
    return MeshShape(data=gcd(make_mesh(shape).shape[DATA], *dict(rows).values()), model=shape.model)


def _passages(store: Store, ref: ArtifactRef) -> Iterator[Passage]:
    for shard in store.open_shards(ref):
        yield from (Passage(**row) for row in read_shard(shard).to_pylist())


def _annotations(store: Store, ref: ArtifactRef) -> Iterator[Annotation]:
    for shard in store.open_shards(ref):
        for row in read_shard(shard).to_pylist():
            yield Annotation(**row | {"answers": tuple(row["answers"])})
