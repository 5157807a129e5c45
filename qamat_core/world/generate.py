"""The seeded generator of the world corpus: a small synthetic encyclopedia with questions.

Synthetic: figures measured on it say nothing about Wikipedia and stand beside the paper's as "not comparable".
Everything is a pure function of the configuration; no figure depends on hash seeds, time or machine.
"""

import random
from collections.abc import Iterator

from qamat_core.world.facts import Entity, Triple, draw_entities, draw_facts
from qamat_core.world.names import Namer
from qamat_core.world.passages import write_text
from qamat_core.world.questions import SPLITS, gold_pair, single_hop_questions, two_hop_questions
from qamat_core.world.splits import split_facts
from qamat_core.world.templates import ANNOTATION_QUESTIONS
from qamat_core.world.world import Fact, World
from schemas.records import Annotation, Passage
from schemas.tables import stable_id
from schemas.world import WorldConfig


def build_world(config: WorldConfig) -> World:
    """Make the world of a configuration: passages, facts with their splits, gold pairs, questions."""
    passages, facts = _write_world(config, "world", set())
    asked = single_hop_questions(facts, config, _stream(config, "world", "single-hop"))
    chains = two_hop_questions(facts, config, _stream(config, "world", "two-hop"))
    gold = _stream(config, "world", "gold")
    return World(
        passages=passages,
        facts=facts,
        gold_pairs=[gold_pair(fact, gold) for fact in facts],
        single_hop={split: [example for example, _ in asked if example.split == split] for split in SPLITS},
        chains={split: [chain for chain in chains if chain.example.split == split] for split in SPLITS},
        fact_of={example.example_id: fact_id for example, fact_id in asked},
    )


def annotations(config: WorldConfig) -> tuple[list[Passage], list[Annotation]]:
    """Make SQuAD-style annotations: a question, its answer and where it starts in a passage.

    They ask for the train facts of this world and for all facts of ``config.annotation_worlds`` other worlds, whose
    invented words are none of this world's nor of one another. The passages are those that a question is asked of;
    a passage of this world may also state dev and test facts, for which no question is asked.
    """
    taken: set[str] = set()
    passages, facts = _write_world(config, "world", taken)
    asked = [fact for fact in facts if fact.split == "train"]
    for number in range(1, config.annotation_worlds + 1):
        more_passages, more_facts = _write_world(config, f"world-{number}", taken)
        passages += more_passages
        asked += more_facts
    annotated = {fact.passage_id for fact in asked}
    rng = _stream(config, "world", "annotations")
    return [passage for passage in passages if passage.passage_id in annotated], list(_annotate(asked, rng))


def _annotate(facts: list[Fact], rng: random.Random) -> Iterator[Annotation]:
    for fact in facts:
        question = rng.choice(ANNOTATION_QUESTIONS[fact.relation]).format(s=fact.subject)
        yield Annotation.of(fact.passage_id, question, (fact.answer,), fact.start)


def _write_world(config: WorldConfig, source: str, taken: set[str]) -> tuple[list[Passage], list[Fact]]:
    """Draw entities and facts and write the passages; adds the invented words to ``taken``."""
    namer = Namer(_stream(config, source, "names"), taken)
    entities = draw_entities(config, namer, _stream(config, source, "entities"))
    triples = draw_facts(entities, namer, _stream(config, source, "facts"))
    splits = split_facts(triples, config, _stream(config, source, "splits"))
    split_of = dict(zip(triples, splits, strict=True))
    rng = _stream(config, source, "passages")
    passages: list[Passage] = []
    facts: list[Fact] = []
    for entity, own in _by_entity(entities, triples):
        text, starts = write_text(entity, own, rng)
        passage = Passage.of(source, f"{config.seed}/{entity.type}/{entity.name}", entity.name, text)
        passages.append(passage)
        for triple, start in zip(own, starts, strict=True):
            fact_id = stable_id(source, config.seed, triple.subject, triple.relation)
            place = (passage.passage_id, start, split_of[triple])
            facts.append(Fact(fact_id, triple.subject, triple.relation, triple.answer, *place))
    return passages, facts


def _by_entity(entities: list[Entity], triples: list[Triple]) -> Iterator[tuple[Entity, list[Triple]]]:
    own: dict[str, list[Triple]] = {entity.name: [] for entity in entities}
    for triple in triples:
        own[triple.subject].append(triple)
    for entity in entities:
        yield entity, own[entity.name]


def _stream(config: WorldConfig, source: str, purpose: str) -> random.Random:
    """Return a random stream of its own for one purpose, so that a change of one does not move the others."""
    return random.Random(f"{config.seed}/{source}/{purpose}")
