"""Asking for the facts of the synthetic world: gold pairs, single-hop and two-hop questions."""

import random
from collections.abc import Iterator

from qamat_core.world.templates import ANNOTATION_QUESTIONS, BRIDGES, DATASET_QUESTIONS
from qamat_core.world.world import Fact, GoldPair, TwoHop
from schemas.records import QAExample
from schemas.world import Split, WorldConfig

SPLITS: tuple[Split, ...] = ("train", "dev", "test")


def gold_pair(fact: Fact, rng: random.Random) -> GoldPair:
    """Ask for a fact by one of the annotation templates."""
    question = rng.choice(ANNOTATION_QUESTIONS[fact.relation]).format(s=fact.subject)
    return GoldPair(fact.fact_id, question, fact.answer, fact.passage_id, fact.start)


def single_hop_questions(facts: list[Fact], config: WorldConfig, rng: random.Random) -> list[tuple[QAExample, str]]:
    """Ask for every fact by one or several of the data set's templates; give each question's fact id."""
    asked: list[tuple[QAExample, str]] = []
    for fact in facts:
        for template in rng.sample(DATASET_QUESTIONS[fact.relation], _paraphrases(fact.split, config)):
            question = template.format(s=fact.subject)
            asked.append((QAExample.of(question, (fact.answer,), config.dataset, fact.split), fact.fact_id))
    return asked


def two_hop_questions(facts: list[Fact], config: WorldConfig, rng: random.Random) -> list[TwoHop]:
    """Ask for every chain of two facts that ``World.two_hop`` allows, without naming the entity between them."""
    asked: list[TwoHop] = []
    for first, final in _chains(facts):
        phrasings = [(bridge, ask) for bridge in BRIDGES[first.relation] for ask in DATASET_QUESTIONS[final.relation]]
        for bridge, ask in rng.sample(phrasings, _paraphrases(final.split, config)):
            question = ask.format(s=bridge.format(s=first.subject))
            example = QAExample.of(question, (final.answer,), config.two_hop_dataset, final.split)
            asked.append(TwoHop(example, first.fact_id, final.fact_id))
    return asked


def _chains(facts: list[Fact]) -> Iterator[tuple[Fact, Fact]]:
    """Give the pairs (first, final) of one split's question; none whose answer is the entity that it names."""
    about: dict[str, list[Fact]] = {}
    for fact in facts:
        about.setdefault(fact.subject, []).append(fact)
    for first in facts:
        for final in about.get(first.answer, ()) if first.relation in BRIDGES else ():
            if first.split in ("train", final.split) and final.answer != first.subject:
                yield first, final


def _paraphrases(split: Split, config: WorldConfig) -> int:
    return config.train_questions_per_fact if split == "train" else config.held_out_questions_per_fact
