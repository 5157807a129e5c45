"""Writing an entity's facts down as a short passage (synthetic)."""

import random

from qamat_core.world.facts import Entity, Triple
from qamat_core.world.templates import SENTENCES

_NAME_AGAIN = 0.25
"""The share of later sentences that repeat the name instead of using a pronoun."""


def write_text(entity: Entity, facts: list[Triple], rng: random.Random) -> tuple[str, list[int]]:
    """Write one sentence a fact, in shuffled order; the first one names the entity.

    Returns the text and, for each fact in the order given, the character at which its answer starts.
    """
    text, starts = "", [0] * len(facts)
    for position in rng.sample(range(len(facts)), len(facts)):
        fact = facts[position]
        forms = _named(entity) if not text or rng.random() < _NAME_AGAIN else entity.pronouns
        before, after = _sentence(rng.choice(SENTENCES[fact.relation]), forms)
        starts[position] = len(text) + len(before) + (1 if text else 0)
        text = f"{text} {before}{fact.answer}{after}".lstrip()
    return text, starts


def _named(entity: Entity) -> tuple[str, str, str]:
    possessive = f"{entity.name}'" if entity.name.endswith("s") else f"{entity.name}'s"
    return entity.name, possessive, entity.name


def _sentence(template: str, forms: tuple[str, str, str]) -> tuple[str, str]:
    """Fill the subject in; return what stands before and after the answer, with a capital first."""
    subject, possessive, objective = forms
    before, after = (part.format(s=subject, p=possessive, m=objective) for part in template.split("{o}"))
    return before[:1].upper() + before[1:], after
