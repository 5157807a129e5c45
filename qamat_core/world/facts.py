"""Entities and relations of the synthetic world, and the drawing of its facts.

Every relation is functional: a subject has exactly one answer. A country's capital lies in that country.
"""

import random
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

from qamat_core.world.names import Namer
from schemas.world import WorldConfig

EntityType = Literal["person", "city", "country", "company", "book"]

RELATIONS: Final = MappingProxyType(
    {
        "birthplace": ("person", "city"),
        "birth_year": ("person", None),
        "profession": ("person", None),
        "employer": ("person", "company"),
        "country": ("city", "country"),
        "river": ("city", None),
        "capital": ("country", "city"),
        "currency": ("country", None),
        "founder": ("company", "person"),
        "headquarters": ("company", "city"),
        "author": ("book", "person"),
        "publication_year": ("book", None),
    }
)
"""Relation -> (type of its subject, type of its object, or None where the answer is no entity)."""

PROFESSIONS: Final = (
    "baker",
    "banker",
    "barber",
    "botanist",
    "builder",
    "butcher",
    "carpenter",
    "chemist",
    "clerk",
    "cobbler",
    "composer",
    "cook",
    "dancer",
    "dentist",
    "doctor",
    "driver",
    "farmer",
    "fisher",
    "gardener",
    "glazier",
    "hunter",
    "jeweler",
    "judge",
    "lawyer",
    "mason",
    "miller",
    "miner",
    "nurse",
    "painter",
    "pilot",
    "plumber",
    "poet",
    "porter",
    "potter",
    "printer",
    "sailor",
    "sculptor",
    "shepherd",
    "singer",
    "soldier",
    "surgeon",
    "tailor",
    "tanner",
    "teacher",
    "translator",
    "weaver",
)


@dataclass(frozen=True, slots=True)
class Entity:
    """One thing of the world with its full name; ``pronouns`` is subject, possessive and object form."""

    name: str
    type: EntityType
    pronouns: tuple[str, str, str] = ("it", "its", "it")


@dataclass(frozen=True, slots=True)
class Triple:
    """A fact before it is written down: subject's name, relation, answer."""

    subject: str
    relation: str
    answer: str


def draw_entities(config: WorldConfig, namer: Namer, rng: random.Random) -> list[Entity]:
    """Draw all entities, type by type."""
    forms = (("he", "his", "him"), ("she", "her", "her"))
    persons = [Entity(name, "person", rng.choice(forms)) for name in namer.persons(config.persons)]
    cities = [Entity(name, "city") for name in namer.words("city", config.cities)]
    countries = [Entity(name, "country") for name in namer.words("country", config.countries)]
    companies = [Entity(name, "company") for name in namer.companies(config.companies)]
    books = [Entity(name, "book") for name in namer.books(config.books)]
    return persons + cities + countries + companies + books


def draw_facts(entities: list[Entity], namer: Namer, rng: random.Random) -> list[Triple]:
    """Draw every fact of every entity, in the order of entities and of ``RELATIONS``."""
    names: dict[str, list[str]] = {}
    for entity in entities:
        names.setdefault(entity.type, []).append(entity.name)
    capitals = dict(zip(names["country"], rng.sample(names["city"], len(names["country"])), strict=True))
    lies_in = {city: country for country, city in capitals.items()}

    def answer(subject: str, relation: str, kind: str | None) -> str:
        if relation == "capital":
            return capitals[subject]
        if relation == "country" and subject in lies_in:
            return lies_in[subject]
        return rng.choice(names[kind]) if kind else _literal(relation, namer, rng)

    return [
        Triple(entity.name, relation, answer(entity.name, relation, kind))
        for entity in entities
        for relation, (subject_type, kind) in RELATIONS.items()
        if subject_type == entity.type
    ]


def _literal(relation: str, namer: Namer, rng: random.Random) -> str:
    if relation in ("birth_year", "publication_year"):
        return str(rng.randint(1801, 2000))
    if relation == "profession":
        return rng.choice(PROFESSIONS)
    return namer.word("currency") if relation == "currency" else namer.word("river").capitalize()
