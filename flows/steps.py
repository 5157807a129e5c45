"""The steps of all flows: each task module's ``run`` as a Prefect task, with provenance and progress.

A step takes and gives references, never rows. A fault that may pass (``PASSING``) is tried again and the job goes on
where it was; what a user or a developer has to mend is not.
"""

from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime
from functools import wraps
from typing import Any, Generic, ParamSpec, TypeVar

from prefect import Task, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.runtime import flow_run

import tasks.audit_attribution
import tasks.audit_corpus
import tasks.build_bundle
import tasks.build_index
import tasks.build_memory
import tasks.build_report
import tasks.build_searcher
import tasks.build_world
import tasks.calibrate
import tasks.compact_index
import tasks.complement_passages
import tasks.compose_questions
import tasks.count_corpus
import tasks.edit_memory
import tasks.encode_passages
import tasks.evaluate
import tasks.evaluate_bm25
import tasks.evaluate_passages
import tasks.evaluate_repaq
import tasks.extract_answers
import tasks.filter_open_domain
import tasks.filter_questions
import tasks.gather_pairs
import tasks.generate_questions
import tasks.import_drawn
import tasks.import_generator
import tasks.import_pairs
import tasks.import_start
import tasks.index_passages
import tasks.ingest_passages
import tasks.ingest_questions
import tasks.init_qamat
import tasks.judge_bundle
import tasks.judge_claims
import tasks.measure_abstention
import tasks.measure_speed
import tasks.mine_multihop
import tasks.mine_negatives
import tasks.mine_questions
import tasks.refilter_questions
import tasks.retrieve_hops
import tasks.retrieve_passages
import tasks.reverse_questions
import tasks.split_overlap
import tasks.summarise_curves
import tasks.summarise_predictions
import tasks.train_closed_book
import tasks.train_dpr
import tasks.train_extractive
import tasks.train_fid
import tasks.train_finetune
import tasks.train_generator
import tasks.train_global
import tasks.train_inbatch
import tasks.train_mdr
import tasks.train_multihop
import tasks.train_repaq
import tasks.train_reranker
import tasks.train_tokenizer
import tasks.train_words
import tasks.update_index
from flows.planning import step_called
from flows.progress import ArtifactTeller, console_teller
from qamat_core.progress import listening
from qamat_core.store.planning import planner
from qamat_core.store.provenance import flow_run_id
from qamat_core.store.registry import now
from qamat_core.store.store import Store
from schemas.artifacts import ArtifactRef
from schemas.resources import Resources

P = ParamSpec("P")
R = TypeVar("R")

PASSING = (OSError, MemoryError, RuntimeError)
"""Faults that may be gone a moment later: the machine's and the runner's."""


@dataclass
class Tally:
    """How many steps of a flow were computed, and how many were found made already."""

    computed: int = 0
    reused: int = 0


_tally: ContextVar[Tally | None] = ContextVar("tally", default=None)


@contextmanager
def counting() -> Generator[Tally]:
    """Count the steps of the flows that run inside the block; who counts around it counts them too."""
    tally, around = Tally(), _tally.get()
    token = _tally.set(tally)
    try:
        yield tally
    finally:
        _tally.reset(token)
        if around:
            around.computed += tally.computed
            around.reused += tally.reused


class Step(Generic[P, R]):
    """A step of a flow; while a planner is set, its ``run`` only asks for what it would make."""

    def __init__(self, name: str, task: Task[P, R], run: Callable[P, R]) -> None:
        self.name = name
        self.task = task
        self._run = run

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Take the step, as a task of Prefect."""
        if planner() is None:
            return self.task(*args, **kwargs)
        with step_called(self.name, str(kwargs["name"])):
            return self._run(*args, **kwargs)


def _step(name: str, run: Callable[P, R]) -> Step[P, R]:
    """Return a task's ``run`` as a step of a flow."""

    @task(
        name=name,
        task_run_name=f"{name} {{name}}",
        retries=2,
        retry_delay_seconds=1,
        retry_condition_fn=_may_pass,
        cache_policy=NO_CACHE,
        persist_result=False,
    )
    @wraps(run)
    def work(*args: P.args, **kwargs: P.kwargs) -> R:
        label = f"{name} {kwargs['name']}"
        teller, artifacts = console_teller(), ArtifactTeller()

        def tell(stage: str, done: int, total: int, metrics: Mapping[str, float]) -> None:
            teller(stage, done, total, metrics)
            artifacts(stage, done, total, metrics)

        began = now()
        teller.begin(label)
        with _inside(str(flow_run.id)), listening(tell, teller.warn):
            result = run(*args, **kwargs)
        resources = kwargs["resources"]
        assert isinstance(resources, Resources), "every task takes resources"
        outcome = _outcome(resources, result, began)
        teller.end(label, outcome)
        artifacts.end(label, outcome)
        return result

    return Step(name, work, run)


def _may_pass(task: Task[..., Any], run: TaskRun, state: State[Any]) -> bool:
    del task, run
    try:
        state.result()
    except PASSING:
        return True
    except Exception:
        return False
    return False


@contextmanager
def _inside(run_id: str) -> Generator[None]:
    """Let the store write this flow run into what it registers."""
    token = flow_run_id.set(run_id)
    try:
        yield
    finally:
        flow_run_id.reset(token)


def _outcome(resources: Resources, result: object, began: datetime) -> str:
    """Count a step and say in a few words what came of it."""
    known = {row.ref.key: row for row in Store(resources.home).registry.rows()}
    rows = [known[ref.key] for ref in references(result)]
    computed = any(row.created >= began for row in rows)
    if tally := _tally.get():
        tally.computed += computed
        tally.reused += not computed
    first = rows[0]
    counts = f", read {first.read} = kept {first.kept} + rejected {first.rejected}" if first.read else ""
    quarantined = f", {count} quarantined" if (count := first.notes.get("quarantined")) else ""
    return (f"made in {(now() - began).total_seconds():.1f} s" if computed else "found") + counts + quarantined


def references(value: object) -> Iterator[ArtifactRef]:
    """Yield every artifact reference in a step's result, in order."""
    if isinstance(value, ArtifactRef):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from references(part)
    elif isinstance(value, tuple | list):
        for part in value:
            yield from references(part)
    elif is_dataclass(value):
        for field in fields(value):
            yield from references(getattr(value, field.name))


build_world = _step("build world", tasks.build_world.run)
ingest_passages = _step("ingest passages", tasks.ingest_passages.run)
ingest_questions = _step("ingest questions", tasks.ingest_questions.run)
import_pairs = _step("import pairs", tasks.import_pairs.run)
import_drawn = _step("import drawn pairs", tasks.import_drawn.run)
complement_passages = _step("complement passages", tasks.complement_passages.run)
count_corpus = _step("count corpus", tasks.count_corpus.run)
train_tokenizer = _step("train tokenizer", tasks.train_tokenizer.run)
train_generator = _step("train generator", tasks.train_generator.run)
import_generator = _step("import generator", tasks.import_generator.run)
extract_answers = _step("extract answers", tasks.extract_answers.run)
generate_questions = _step("generate questions", tasks.generate_questions.run)
filter_questions = _step("filter questions", tasks.filter_questions.run)
filter_open_domain = _step("filter open-domain", tasks.filter_open_domain.run)
refilter_questions = _step("refilter questions", tasks.refilter_questions.run)
build_memory = _step("build memory", tasks.build_memory.run)
gather_pairs = _step("gather pairs", tasks.gather_pairs.run)
mine_questions = _step("mine questions", tasks.mine_questions.run)
mine_negatives = _step("mine negatives", tasks.mine_negatives.run)
reverse_questions = _step("reverse questions", tasks.reverse_questions.run)
compose_questions = _step("compose questions", tasks.compose_questions.run)
mine_multihop = _step("mine multi-hop", tasks.mine_multihop.run)
audit_corpus = _step("audit corpus", tasks.audit_corpus.run)
init_qamat = _step("init QAMAT", tasks.init_qamat.run)
import_start = _step("import T5", tasks.import_start.run)
train_words = _step("train words", tasks.train_words.run)
train_inbatch = _step("train in-batch", tasks.train_inbatch.run)
build_index = _step("build index", tasks.build_index.run)
build_searcher = _step("build searcher", tasks.build_searcher.run)
edit_memory = _step("edit memory", tasks.edit_memory.run)
update_index = _step("update index", tasks.update_index.run)
compact_index = _step("compact index", tasks.compact_index.run)
train_global = _step("train global", tasks.train_global.run)
train_finetune = _step("fine-tune", tasks.train_finetune.run)
train_multihop = _step("train multi-hop", tasks.train_multihop.run)
train_closed_book = _step("train closed-book", tasks.train_closed_book.run)
evaluate = _step("evaluate", tasks.evaluate.run)
train_repaq = _step("train RePAQ", tasks.train_repaq.run)
train_reranker = _step("train re-ranker", tasks.train_reranker.run)
evaluate_repaq = _step("evaluate RePAQ", tasks.evaluate_repaq.run)
index_passages = _step("index passages", tasks.index_passages.run)
train_dpr = _step("train DPR", tasks.train_dpr.run)
encode_passages = _step("encode passages", tasks.encode_passages.run)
retrieve_passages = _step("retrieve passages", tasks.retrieve_passages.run)
train_mdr = _step("train MDR", tasks.train_mdr.run)
retrieve_hops = _step("retrieve hops", tasks.retrieve_hops.run)
train_fid = _step("train FiD", tasks.train_fid.run)
train_extractive = _step("train extractive reader", tasks.train_extractive.run)
evaluate_passages = _step("evaluate passages", tasks.evaluate_passages.run)
evaluate_bm25 = _step("evaluate BM25", tasks.evaluate_bm25.run)
calibrate = _step("calibrate", tasks.calibrate.run)
measure_abstention = _step("measure abstention", tasks.measure_abstention.run)
audit_attribution = _step("audit attribution", tasks.audit_attribution.run)
measure_speed = _step("measure speed", tasks.measure_speed.run)
split_overlap = _step("split by overlap", tasks.split_overlap.run)
summarise = _step("summarise", tasks.summarise_predictions.run)
summarise_curves = _step("summarise curves", tasks.summarise_curves.run)
judge_claims = _step("judge claims", tasks.judge_claims.run)
build_bundle = _step("build bundle", tasks.build_bundle.run)
judge_bundle = _step("judge bundle", tasks.judge_bundle.run)
build_report = _step("build report", tasks.build_report.run)
