"""Dividing the facts of the synthetic world into train, dev and test."""

import random

from qamat_core.world.facts import RELATIONS, Triple
from schemas.world import Split, WorldConfig


def split_facts(facts: list[Triple], config: WorldConfig, rng: random.Random) -> list[Split]:
    """Give every fact its split, relation by relation, in the configured shares (rounded).

    A capital's fact "lies in country C" follows C's fact "has this capital": one gives the other away.
    """
    capitals = {(fact.answer, fact.subject): number for number, fact in enumerate(facts) if fact.relation == "capital"}
    follows = {
        number: capitals[fact.subject, fact.answer]
        for number, fact in enumerate(facts)
        if fact.relation == "country" and (fact.subject, fact.answer) in capitals
    }
    splits: list[Split] = ["train"] * len(facts)
    for relation in RELATIONS:
        free = [n for n, fact in enumerate(facts) if fact.relation == relation and n not in follows]
        _deal(free, splits, config, rng)
    for number, leader in follows.items():
        splits[number] = splits[leader]
    return splits


def _deal(numbers: list[int], splits: list[Split], config: WorldConfig, rng: random.Random) -> None:
    shuffled = rng.sample(numbers, len(numbers))
    test = round(config.test_share * len(numbers))
    dev = round(config.dev_share * len(numbers))
    for position, number in enumerate(shuffled):
        splits[number] = "test" if position < test else "dev" if position < test + dev else "train"
