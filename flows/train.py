"""The flows that bring in what QAMAT starts from and train it: in-batch, global, fine-tuned, multi-hop."""

from collections.abc import Collection, Mapping
from pathlib import Path

from prefect import flow

from flows import steps
from flows.events import MODEL_TRAINED, announce
from flows.exhibits import show_trained
from flows.lookup import find_memory, find_start, find_t5, find_trained
from flows.ordered import ordered
from flows.planning import PlannedStep, wanted_for
from flows.resuming import foresee, reused
from flows.training import finetune, initialise, source_of, train_global, train_inbatch, train_multihop
from qamat_core.store.planning import planner
from qamat_core.store.store import Store
from qamat_core.training.checkpoint import load_card
from qamat_core.training.processes import join
from schemas.artifacts import ArtifactRef, Pretrained
from schemas.errors import IncompatibleArtifactError
from schemas.orders import STAGES, ImportStart, Stage, TrainQamat
from schemas.preset_models import CorpusPreset, TrainingPreset
from schemas.presets import preset
from schemas.qamat import StageConfig
from schemas.resources import Resources
from tasks.check_stage import check_in_batch_stage, check_mesh, check_question_stage
from tasks.external_t5 import ImportedRefs
from tasks.runner_options import check_runner

START: dict[Stage, Stage] = {"global": "inbatch", "finetune": "global", "multihop": "finetune"}
"""The stage that a stage starts from."""


@flow(name="import-start", persist_result=False)
def import_start(order: ImportStart) -> ImportedRefs:
    """Register a T5 of a directory or the hub as what QAMAT starts from; what is there already is found."""
    return steps.import_start(source_of(order), name=order.name, resources=Resources(home=order.home))


@ordered("train-qamat")
def train_qamat(order: TrainQamat) -> dict[str, Pretrained]:
    """Train the stages that are asked for; return the checkpoint and index of each."""
    order = reused(order)
    join(order.processes)
    foresee(order, lambda: train_stages(order), lambda step: _before_start(step, order))
    trained = train_stages(order)
    show_trained(trained, order.name, order.home)
    stage, last = list(trained.items())[-1]
    announce(MODEL_TRAINED, last.checkpoint, {"model": order.name, "stage": stage, "memory": order.memory})
    return trained


def train_stages(order: TrainQamat) -> dict[str, Pretrained]:
    """Train the stages in their order, each from the one before it."""
    numbers = preset(order.preset)
    resources = check_runner(order.resources())
    wanted: list[Stage] = [stage for stage in STAGES if stage in order.stages]
    questions = training_questions(order, numbers.corpus, resources) if set(wanted) & {"finetune", "multihop"} else None
    trained: dict[str, Pretrained] = {}
    for stage in wanted:
        with wanted_for(stage):
            trained[stage] = train_stage(stage, order, trained, questions, resources)
    return trained


def _before_start(step: PlannedStep, order: TrainQamat) -> bool:
    """Say whether a stage before the one that the order starts at needs a step."""
    assert order.start_at, "asked of orders that start somewhere"
    return bool(set(step.purposes) & {*STAGES[: STAGES.index(order.start_at)]})


def train_stage(
    stage: Stage,
    order: TrainQamat,
    trained: Mapping[str, Pretrained],
    questions: ArtifactRef | None,
    resources: Resources,
) -> Pretrained:
    """Train one stage from the one before it, trained in this run or found.

    A model that started from a public T5 or another QAMAT keeps its shape; all other numbers are the preset's.
    """
    store = Store(order.home)
    memory = find_memory(store, order.memory)
    begin = find_begin(store, stage, order, trained)
    config = _numbers(order, begin, resources)
    if stage == "inbatch":
        check_in_batch_stage(config.inbatch, begin, memory, resources=resources)
        tokenizer = find_tokenizer(store, begin, order)
        begin = begin or initialise(config, tokenizer, name=order.name, resources=resources)
        return train_inbatch(config, begin, memory, name=order.name, resources=resources)
    before = START[stage]
    start = trained.get(before) or find_trained(store, f"{order.name}-{before}")
    if stage == "global":
        return train_global(config.global_, start, memory, name=order.name, resources=resources)
    assert questions is not None, "read for the stages that need them"
    last = config.finetune if stage == "finetune" else config.multihop
    if planner() is None:
        check_question_stage(last, start, questions, resources=resources)
    if stage == "finetune":
        return finetune(config.finetune, start, memory, questions, name=order.name, resources=resources)
    return train_multihop(config, start, memory, questions, name=order.name, resources=resources)


def find_begin(store: Store, stage: Stage, order: TrainQamat, trained: Collection[str]) -> ArtifactRef | None:
    """Return what the first of the stages starts from that a stage continues in this run; None for random weights."""
    while stage != "inbatch" and START[stage] in trained:
        stage = START[stage]
    if stage == "inbatch":
        return find_start(store, order.start) if order.start else None
    return find_trained(store, f"{order.name}-{START[stage]}").checkpoint


def find_tokenizer(store: Store, start: ArtifactRef | None, order: TrainQamat) -> ArtifactRef:
    """Return what a model reads by: its start's tokenizer, else that of the corpus.

    Raises:
        IncompatibleArtifactError: the order names a corpus whose tokenizer is not the start's.
        MissingArtifactError: the corpus has no tokenizer.
    """
    if start is None:
        return store.newest("tokenizer", order.corpus or order.memory)
    tokenizer = load_card(store.open_directory(start)).tokenizer
    if order.corpus and (other := store.newest("tokenizer", order.corpus)).content != tokenizer.content:
        raise IncompatibleArtifactError(
            f"{start} reads by {tokenizer}, the corpus {order.corpus} by {other}: a model keeps the tokenizer of its "
            "start, leave the corpus out"
        )
    return tokenizer


def _numbers(order: TrainQamat, start: ArtifactRef | None, resources: Resources) -> TrainingPreset:
    """Return the stages over the T5 that a model started from, if that is a public one, once the mesh fits them."""
    config = preset(order.preset).training.seeded(order.seed)
    if start and (t5 := find_t5(Store(order.home), start)):
        config = config.over(t5)
    stages: dict[Stage, StageConfig] = {
        "inbatch": config.inbatch,
        "global": config.global_,
        "finetune": config.finetune,
        "multihop": config.multihop,
    }
    check_mesh([stages[stage] for stage in order.stages], resources)
    return config


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
