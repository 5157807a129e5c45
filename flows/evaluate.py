"""The flow that measures a checkpoint on a data set: questions -> predictions and figures."""

import json
from pathlib import Path

from flows import steps
from flows.exhibits import show_figures
from flows.indexing import index_over
from flows.lookup import find_index, find_searcher
from flows.ordered import ordered
from qamat_core.store.registry import RegistryRow
from qamat_core.store.store import Store
from schemas.artifacts import ArtifactRef
from schemas.base import Frozen
from schemas.corpus import IngestConfig
from schemas.errors import ConfigError
from schemas.evaluation import MemoryName, OverlapConfig, Place, SummaryConfig
from schemas.orders import Evaluate
from schemas.qamat import EvaluationConfig
from schemas.resources import Resources
from tasks.evaluate import EvaluateInputs

ROWS = {
    "tasks.train_inbatch": "QAMAT Zero-Shot",
    "tasks.train_global": "QAMAT Zero-Shot",
    "tasks.train_finetune": "QAMAT Fine-tuned",
    "tasks.train_multihop": "QAMAT+",
}
"""What trained a checkpoint -> the row that its figures stand in."""
RECALL_AT = (1, 2, 4, 8, 16, 32)


class Evaluated(Frozen):
    """The predictions by k, and the figures."""

    predictions: dict[int, ArtifactRef]
    metrics: dict[int, ArtifactRef]


@ordered("evaluate")
def evaluate_qamat(order: Evaluate) -> Evaluated:
    """Let a checkpoint answer the questions of a data set with every k that it was trained for."""
    resources = Resources(home=order.home)
    store = Store(order.home)
    checkpoint = store.newest("checkpoint", order.checkpoint)
    questions = read_questions(order, store, resources)
    overlaps = read_overlaps(order, store, questions, resources)
    index = read_memory(order, store, checkpoint, resources)
    config = evaluation_of(store.row(checkpoint))
    label = f"{order.checkpoint}-{questions.name}"[:56]
    inputs = EvaluateInputs(checkpoint, questions, index, find_searcher(store, index, order.backend))
    predictions = steps.evaluate(config, inputs, name=label, resources=resources)
    metrics: dict[int, ArtifactRef] = {}
    for k, ref in predictions.items():
        place = place_of(store, checkpoint, index, questions, k)
        summary = SummaryConfig(places=(place,), ks=RECALL_AT if k == config.top_k else ())
        metrics[k] = steps.summarise(summary, [ref], overlaps=overlaps, name=f"{label}-k{k}", resources=resources)
    show_figures(list(metrics.values()), label, order.home)
    return Evaluated(predictions=predictions, metrics=metrics)


def read_questions(order: Evaluate, store: Store, resources: Resources) -> ArtifactRef:
    """Return the questions, read from their file if they come from one."""
    if order.file is None:
        assert order.questions is not None, "one of both is given"
        return store.newest("qa_examples", order.questions)
    file = order.file
    name = f"{file.dataset}-{file.split}"
    refs = steps.ingest_questions(
        IngestConfig(), Path(file.path), dataset=file.dataset, split=file.split, name=name, resources=resources
    )
    return refs.qa_examples


def read_overlaps(order: Evaluate, store: Store, questions: ArtifactRef, resources: Resources) -> ArtifactRef | None:
    """Return the overlap of the questions with training questions, if there are some to compare with."""
    if order.against is None:
        return None
    train, label = store.newest("qa_examples", order.against), f"{questions.name}-{order.against}"[:64]
    return steps.split_overlap(OverlapConfig(), train, questions, name=label, resources=resources)


def read_memory(order: Evaluate, store: Store, checkpoint: ArtifactRef, resources: Resources) -> ArtifactRef:
    """Return the checkpoint's own index, or another memory encoded by the same encoder."""
    if order.memory is None:
        return find_index(store, checkpoint)
    return index_over(store, checkpoint, order.memory, resources)


def evaluation_of(row: RegistryRow) -> EvaluationConfig:
    """Return how a checkpoint is asked: with every power of two up to the K that it was trained with.

    Raises:
        ConfigError: the checkpoint is no QAMAT.
    """
    if row.module not in ROWS:
        raise ConfigError(f"{row.ref} was made by {row.module}: give a checkpoint of `qamat train`")
    top_k = int(json.loads(row.config)["top_k"])
    ks = tuple(sorted({2**power for power in range(top_k.bit_length())} | {top_k}))
    rounds = 2 if row.module == "tasks.train_multihop" else 1
    return EvaluationConfig(top_k=top_k, ks=ks, recall_at=RECALL_AT, rounds=rounds)


def place_of(store: Store, checkpoint: ArtifactRef, index: ArtifactRef, questions: ArtifactRef, k: int) -> Place:
    """Return where the figures stand."""
    memory = store.row(store.row(index).inputs["memory"])
    first = store.open_table(questions, ["dataset", "split"]).slice(0, 1).to_pylist()
    names: dict[str, MemoryName] = {"tasks.build_world": "gold", "tasks.build_memory": "generated"}
    return Place(
        table="table2",
        row=ROWS[store.row(checkpoint).module],
        dataset=first[0]["dataset"] if first else questions.name,
        split=first[0]["split"] if first else "none",
        memory=names.get(memory.module, "imported"),
        model_size=checkpoint.name,
        k=k,
    )
