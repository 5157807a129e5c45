"""The flow that reproduces the paper's tables: one run, from nothing to a report."""

import shlex
from pathlib import Path
from typing import Final

from flows import steps
from flows.corpus import make_corpus, world_sources
from flows.exhibits import show_report
from flows.given import given_corpus, in_place_of_world, over_data_sets
from flows.lookup import shape_of
from flows.ordered import ordered
from flows.plan_text import show
from flows.planning import Plan, plan_of, wanted_for
from flows.resuming import durations, foresee, reused
from flows.stages import before_study_start
from flows.study import Study, ask_finetuned
from flows.tables import TABLES
from flows.training import source_of
from flows.trust import audit
from qamat_core.claims import comparisons
from qamat_core.store.planning import planner
from qamat_core.store.store import Store
from schemas.artifacts import ArtifactRef
from schemas.errors import ConfigError
from schemas.evaluation import JudgeConfig, ReportConfig
from schemas.model import T5Config
from schemas.order_forms import PublicT5
from schemas.preset_models import Preset
from schemas.presets import preset
from schemas.resources import Resources
from schemas.study_orders import ALL_MEMORIES, DATASET_TABLES, WORLD_TABLES, QuestionSet, Reproduce
from tasks.build_report import Audited, ReportInputs, Shown, copy_report
from tasks.check_stage import check_mesh
from tasks.external_t5 import ImportedRefs
from tasks.runner_options import check_runner

_WITHOUT_FINETUNED: Final = frozenset({"table1", "table3", "ablations"})
"""Tables for which the fine-tuned model of the generated memory is not trained."""


@ordered("reproduce-paper")
def reproduce(order: Reproduce) -> ArtifactRef:
    """Make the world corpus, its memory, the models, their answers and the report of the tables wanted."""
    return make(reused(order))


def make(order: Reproduce) -> ArtifactRef:
    """Show the plan, then make the report, publish it and copy it; a T5 to start from comes first, for its shape."""
    resources = check_runner(order.resources())

    def work() -> None:
        make_report(order, resources, import_t5(order, resources))

    shown = foresee(order, work, lambda step: before_study_start(step, order))
    begin = import_t5(order, resources)
    if not shown:
        show(plan_of(work, title_of(order), order.home, durations(order)), order.name)
    report = make_report(order, resources, begin)
    show_report(report, order.name, order.home)
    if order.out is not None:
        copy_report(report, Path(order.out), resources=resources)
    return report


def plan(order: Reproduce) -> Plan:
    """Return what a run would make and what it would find; nothing is made, and no server is needed.

    Raises:
        ConfigError: the study starts from a public T5 that is not registered yet, whose shape decides the rest.
    """
    resources = check_runner(order.resources())

    def work() -> None:
        make_report(order, resources, import_t5(order, resources))

    return plan_of(work, title_of(order), order.home, durations(order))


def make_report(order: Reproduce, resources: Resources, begin: ImportedRefs | None) -> ArtifactRef:
    """Take every step to the report; ``begin`` is the public T5 that models start from."""
    numbers = preset(order.preset)
    if begin is not None:
        numbers = numbers.over(_begun_shape(order, begin))
    stages = numbers.training
    check_mesh((stages.inbatch, stages.global_, stages.finetune, stages.multihop), resources)
    study = begin_study(order, numbers, resources, begin)
    first, *more = over_data_sets(study)
    metrics: list[ArtifactRef] = []
    for table, measure in TABLES.items():
        if table in order.tables:
            asked = [study] if table in WORLD_TABLES else [first, *more] if table in DATASET_TABLES else [first]
            with wanted_for(table):
                metrics += [ref for one in asked for ref in measure(one)]
    metrics += judge_claims(study)
    memory = study.corpus.memory
    inputs = ReportInputs(
        metrics=tuple(dict.fromkeys(metrics)),
        generated=memory,
        shown=worked_questions(first),
        audited=Audited(audit(first).attributions, memory) if "attribution" in order.tables else None,
    )
    k = max(numbers.evaluation.single_hop.ks)
    config = ReportConfig(
        preset=order.preset,
        rerun=command(order),
        reruns={table: command(order.model_copy(update={"only": (table,)})) for table in TABLES},
        start=order.start.source if order.start else "random weights",
        sizes={size: numbers.shape(size) for size in numbers.sizes},
        aids=numbers.aids,
        entries=min(k, 5),
    )
    return steps.build_report(config, inputs, name=order.name, resources=resources)


def begin_study(order: Reproduce, numbers: Preset, resources: Resources, begin: ImportedRefs | None) -> Study:
    """Take the registered corpus that is named, else make the world and the memory of it."""
    if order.corpus is not None:
        corpus = given_corpus(order.home, order.corpus)
        generated = order.model_copy(update={"memories": ("generated",)})
        return Study(generated, numbers, in_place_of_world(corpus), corpus, resources, begin)
    world = steps.build_world(numbers.world, name=order.name, resources=resources)
    sources = world_sources(world)
    corpus = make_corpus(numbers.corpus, sources, {}, start=begin, name=order.name, resources=resources)
    return Study(order, numbers, world, corpus, resources, begin)


def _begun_shape(order: Reproduce, begin: ImportedRefs) -> T5Config:
    store = Store(order.home)
    if order.start and planner() and store.registry.by_key(begin.checkpoint.key) is None:
        raise ConfigError(
            f"{order.start.source}: its shape decides the plan; bring it in first: "
            f"qamat train init{_start_options(order.start)} --name {begin.checkpoint.name}"
        )
    return shape_of(store, begin.checkpoint)


def title_of(order: Reproduce) -> str:
    """Return what a plan is called."""
    return f"{order.preset}, {'1 seed' if order.seeds == 1 else f'{order.seeds} seeds'}"


def judge_claims(study: Study) -> list[ArtifactRef]:
    """Judge the paper's claims by the runs that the tables are made of; nothing where no claim's two rows are there."""
    compared = {place: study.runs[place] for _, *sides in comparisons(study.runs) for place in sides}
    if not compared:
        return []
    config = JudgeConfig(places=tuple(compared))
    name = f"{study.name}-claims-{study.split}"
    return [steps.judge_claims(config, list(compared.values()), name=name, resources=study.resources)]


def import_t5(order: Reproduce, resources: Resources) -> ImportedRefs | None:
    """Register the public T5 that the study starts from, with its tokenizer; None if it starts from random weights."""
    if order.start is None:
        return None
    return steps.import_start(source_of(order.start), name=f"{order.name}-t5", resources=resources)


def worked_questions(study: Study) -> Shown | None:
    """Return what the questions shown in the report are drawn from; None if no fine-tuned model is wanted."""
    if set(study.order.tables) <= _WITHOUT_FINETUNED:
        return None
    predictions = ask_finetuned(study, "generated", 0)[max(study.numbers.evaluation.single_hop.ks)]
    return Shown(predictions, study.corpus.memory, (study.corpus.sources.passages,))


def command(order: Reproduce) -> str:
    """Return the command that makes this report again."""
    only = "".join(f" --only {table}" for table in order.only)
    only += "".join(f" --memory {memory}" for memory in order.memories if order.memories != ALL_MEMORIES)
    only += _start_options(order.start) if order.start else ""
    only += f" --corpus {order.corpus}" if order.corpus else ""
    only += "".join(f" --dataset {shlex.quote(_parts(one))}" for one in order.datasets)
    split = f" --split {order.split}" if order.split != "test" else ""
    return f"qamat reproduce --preset {order.preset}{only} --seeds {order.seeds}{split}"


def _parts(one: QuestionSet) -> str:
    return f"{one.dataset}={one.train},{one.dev},{one.test}"


def _start_options(start: PublicT5) -> str:
    options = f" --from {shlex.quote(start.source)}"
    options += f" --revision {shlex.quote(start.revision)}" if start.revision != "main" else ""
    return options + (f" --tokenizer {shlex.quote(start.tokenizer)}" if start.tokenizer else "")
