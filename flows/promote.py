"""The flow of promotion: a bundle is measured beside the one in use, and takes its place if it passes the gate."""

import json
from collections.abc import Sequence

from prefect.artifacts import create_table_artifact

from flows import steps
from flows.evaluate import ROWS, read_memory, read_questions
from flows.lookup import find_calibration, find_learned, find_passages, find_searcher, open_home
from flows.ordered import ordered
from qamat_core.promotion.bundle import Bundle
from qamat_core.store.store import Store
from qamat_core.store.tags import NOBODY, Tag, current_tags, move_tag
from qamat_core.training.checkpoint import load_card
from schemas.artifacts import ArtifactRef, Pretrained
from schemas.base import Frozen
from schemas.errors import ConfigError, PromotionError
from schemas.evaluation import OverlapConfig
from schemas.orders import Promote
from schemas.promotion import BundleConfig, Verdict
from schemas.qamat import EvaluationConfig
from schemas.resources import Resources
from tasks.build_bundle import BundleInputs
from tasks.evaluate import EvaluateInputs
from tasks.judge_bundle import Contender, JudgeInputs, load_verdict


class Promoted(Frozen):
    """What the tag names, and the verdict by which it does; None where it named it already."""

    tag: Tag
    verdict: ArtifactRef | None


@ordered("promote-bundle")
def promote(order: Promote) -> Promoted:
    """Bundle a model with its index and memory, measure it beside the champion, and move the tag if it passes.

    Raises:
        PromotionError: it does not pass, which the verdict explains; or another moved the tag meanwhile.
    """
    store, resources = open_home(order.home), Resources(home=order.home)
    champion = current_tags(store.registry).get(order.tag)
    candidate = bundle_of(order, store, resources)
    if champion and champion.target.key == candidate.key:
        return Promoted(tag=champion, verdict=None)
    ref = judged(order, store, candidate, champion, resources)
    verdict = load_verdict(store, ref)
    publish(order, verdict)
    if not verdict.passed:
        reasons = "; ".join(map(str, verdict.failed))
        raise PromotionError(f"{candidate} does not pass the gate of {order.tag}: {reasons}. See {ref}")
    number = champion.number if champion else NOBODY
    tag = move_tag(store.registry, order.tag, candidate, why="promote", expected=number, verdict=ref)
    return Promoted(tag=tag, verdict=ref)


def bundle_of(order: Promote, store: Store, resources: Resources) -> ArtifactRef:
    """Return the bundle of a model: with the memory and the search that are named, else its own and the exact one.

    Raises:
        ConfigError: the checkpoint is no QAMAT.
    """
    checkpoint = store.newest("checkpoint", order.checkpoint)
    row = store.row(checkpoint)
    if row.module not in ROWS:
        raise ConfigError(f"{row.ref} was made by {row.module}: give a checkpoint of `qamat train`")
    index = read_memory(order, store, checkpoint, resources)
    memory, top_k = store.row(index).inputs["memory"], int(json.loads(row.config)["top_k"])
    inputs = BundleInputs(
        checkpoint=checkpoint,
        index=index,
        memory=memory,
        tokenizer=load_card(store.open_directory(checkpoint)).tokenizer,
        searcher=find_searcher(store, index, order.backend),
        calibration=find_calibration(store, Pretrained(checkpoint=checkpoint, index=index), top_k),
        passages=tuple(find_passages(store, memory)),
    )
    config = BundleConfig(top_k=top_k, rounds=2 if row.module == "tasks.train_multihop" else 1)
    return steps.build_bundle(config, inputs, name=order.name or order.checkpoint, resources=resources)


def judged(
    order: Promote, store: Store, candidate: ArtifactRef, champion: Tag | None, resources: Resources
) -> ArtifactRef:
    """Return the verdict on the candidate.

    Raises:
        PromotionError: the tag names something else than a bundle.
    """
    if champion and champion.target.kind != "bundle":
        raise PromotionError(f"{champion} names no bundle: give another --tag")
    questions = read_questions(order, store, resources)
    first = contender(order, store, candidate, questions, resources)
    second = contender(order, store, champion.target, questions, resources) if champion else None
    inputs = JudgeInputs(questions, first, second)
    return steps.judge_bundle(order.gate, inputs, name=candidate.name, resources=resources)


def contender(
    order: Promote, store: Store, ref: ArtifactRef, questions: ArtifactRef, resources: Resources
) -> Contender:
    """Let a bundle answer the questions."""
    bundle = Bundle.load(store.open_directory(ref))
    config = EvaluationConfig(
        top_k=bundle.top_k, ks=(bundle.top_k,), recall_at=(order.gate.recall_at,), rounds=bundle.rounds
    )
    inputs = EvaluateInputs(bundle.checkpoint, questions, bundle.index, bundle.searcher)
    label = f"{ref.name}-{questions.name}"[:56]
    predictions = steps.evaluate(config, inputs, name=label, resources=resources)[bundle.top_k]
    learned = [store.newest("qa_examples", order.against)] if order.against else find_learned(store, bundle.checkpoint)
    return Contender(ref, predictions, overlaps(learned, questions, resources))


def overlaps(learned: Sequence[ArtifactRef], questions: ArtifactRef, resources: Resources) -> tuple[ArtifactRef, ...]:
    """Return the overlap of the questions with each of those that were learned from."""
    return tuple(
        steps.split_overlap(
            OverlapConfig(), train, questions, name=f"{questions.name}-{train.name}"[:64], resources=resources
        )
        for train in learned
    )


def publish(order: Promote, verdict: Verdict) -> None:
    """Show the thresholds in the Prefect UI."""
    rows = [
        {
            "figure": check.figure,
            "candidate": check.candidate,
            "champion": "" if check.champion is None else check.champion,
            "wanted": f"{check.rule} {check.bound:g}",
            "threshold": check.threshold,
            "passed": "yes" if check.passed else "no",
        }
        for check in verdict.checks
    ]
    beside = f" beside {verdict.champion}" if verdict.champion else ", the first"
    create_table_artifact(rows, key=f"gate-{order.tag}", description=f"{verdict.candidate}{beside}")
