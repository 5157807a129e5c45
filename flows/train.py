"""The flows that bring in what QAMAT starts from and train it: in-batch, global, fine-tuned, multi-hop."""

from pathlib import Path

from prefect import flow

from flows import steps
from flows.lookup import find_memory, find_start, find_t5, find_trained
from flows.training import finetune, initialise, source_of, train_global, train_inbatch, train_multihop
from qamat_core.store.store import Store
from qamat_core.training.processes import join
from schemas.artifacts import ArtifactRef, Pretrained
from schemas.orders import ImportStart, Stage, TrainQamat
from schemas.preset_models import CorpusPreset, TrainingPreset
from schemas.presets import preset
from schemas.resources import Resources
from tasks.external_t5 import ImportedRefs
from tasks.runner_options import check_runner

STAGES: tuple[Stage, ...] = ("inbatch", "global", "finetune", "multihop")
START: dict[Stage, Stage] = {"global": "inbatch", "finetune": "global", "multihop": "finetune"}
"""The stage that a stage starts from."""


@flow(name="import-start", persist_result=False)
def import_start(order: ImportStart) -> ImportedRefs:
    """Register a T5 of a directory or the hub as what QAMAT starts from; what is there already is found."""
    return steps.import_start(source_of(order), name=order.name, resources=Resources(home=order.home))


@flow(name="train-qamat", persist_result=False)
def train_qamat(order: TrainQamat) -> dict[str, Pretrained]:
    """Train the stages that are asked for; return the checkpoint and index of each."""
    join(order.processes)
    numbers = preset(order.preset)
    resources = check_runner(order.resources())
    wanted: list[Stage] = [stage for stage in STAGES if stage in order.stages]
    questions = training_questions(order, numbers.corpus, resources) if set(wanted) & {"finetune", "multihop"} else None
    trained: dict[str, Pretrained] = {}
    for stage in wanted:
        trained[stage] = train_stage(stage, order, trained, questions, resources)
    return trained


def train_stage(
    stage: Stage,
    order: TrainQamat,
    trained: dict[str, Pretrained],
    questions: ArtifactRef | None,
    resources: Resources,
) -> Pretrained:
    """Train one stage from the one before it, trained in this run or found.

    A model that started from a public T5 keeps its shape; all other numbers are the preset's.
    """
    store = Store(order.home)
    config = preset(order.preset).training.seeded(order.seed)
    memory = find_memory(store, order.memory)
    if stage == "inbatch":
        begin = find_start(store, order.start) if order.start else _random_start(config, store, order, resources)
        return train_inbatch(_fitted(config, store, begin), begin, memory, name=order.name, resources=resources)
    before = START[stage]
    start = trained.get(before) or find_trained(store, f"{order.name}-{before}")
    config = _fitted(config, store, start.checkpoint)
    if stage == "global":
        return train_global(config.global_, start, memory, name=order.name, resources=resources)
    assert questions is not None, "read for the stages that need them"
    if stage == "finetune":
        return finetune(config.finetune, start, memory, questions, name=order.name, resources=resources)
    return train_multihop(config, start, memory, questions, name=order.name, resources=resources)


def _random_start(config: TrainingPreset, store: Store, order: TrainQamat, resources: Resources) -> ArtifactRef:
    return initialise(config, store.newest("tokenizer", order.corpus), name=order.name, resources=resources)


def _fitted(config: TrainingPreset, store: Store, start: ArtifactRef) -> TrainingPreset:
    """Return the stages over the T5 that a model started from, if that is a public one."""
    t5 = find_t5(store, start)
    return config if t5 is None else config.over(t5)


def training_questions(order: TrainQamat, config: CorpusPreset, resources: Resources) -> ArtifactRef:
    """Return the questions of the order, read from their file if they come from one."""
    if order.file is None:
        return Store(order.home).newest("qa_examples", order.questions)
    file = order.file
    refs = steps.ingest_questions(
        config.ingest,
        Path(file.path),
        dataset=file.dataset,
        split=file.split,
        name=f"{file.dataset}-{file.split}",
        resources=resources,
    )
    return refs.qa_examples
