"""A memory that is open, an entity or entries to begin at -> the entities around them and the entries between them."""

from collections.abc import Sequence
from typing import Final

from qamat_core.entity_graph import HOPS, Drawing, key_of
from schemas.answers import MAX_QUESTION
from schemas.entity_graph import EntityGraph, Link
from schemas.errors import InputError, MissingArtifactError
from tasks.entry_lookup import EntryLookup

MOST_ENTRIES: Final = 5_000_000
"""Of a memory that is looked through: about two seconds a drawing."""


def graph_of_entity(lookup: EntryLookup, entity: str, most: int) -> EntityGraph:
    """Draw the entries that name an entity, and those that name what these name.

    Raises:
        InputError: no name is given, or the memory is too large to be looked through.
        MissingArtifactError: no entry names it.
    """
    length = len(key_of(entity))
    if not 1 <= length <= MAX_QUESTION:
        raise InputError(f"an entity has 1 to {MAX_QUESTION} characters, this one {length}: give another")
    drawing = _drawing(lookup, most)
    drawing.grow([key_of(entity)], HOPS)
    if not drawing.drawn:
        raise MissingArtifactError(f"no entry of {lookup.memory} names {entity[:80]!r}: give another entity")
    return _told(lookup, drawing, [drawing.spelt.get(key_of(entity), entity.strip())], None)


def graph_of_entries(lookup: EntryLookup, ids: Sequence[str], answer: str | None, most: int) -> EntityGraph:
    """Draw entries that were read for a question, and those that name what these name.

    Raises:
        InputError: the memory is too large to be looked through.
    """
    drawing = _drawing(lookup, most)
    keys = drawing.begin(lookup.row(qa_id) for qa_id in ids)
    start = dict.fromkeys(drawn.head or drawn.tail for drawn in drawing.drawn.values())
    drawing.grow(keys, HOPS - 1)
    return _told(lookup, drawing, list(start), answer)


def _drawing(lookup: EntryLookup, most: int) -> Drawing:
    if len(lookup) > MOST_ENTRIES:
        raise InputError(
            f"{lookup.memory} has {len(lookup):,} entries: graphs are drawn of memories of at most {MOST_ENTRIES:,}"
        )
    return Drawing(lookup.pairs, lambda row: lookup.shown(row)["title"], most)


def _told(lookup: EntryLookup, drawing: Drawing, start: Sequence[str], answer: str | None) -> EntityGraph:
    pairs = [(drawn, lookup.pairs.get(drawn.row)) for drawn in drawing.drawn.values()]
    return EntityGraph(
        start=tuple(start),
        answer=answer,
        links=tuple(
            Link(qa_id=pair["qa_id"], question=pair["question"], head=drawn.head, tail=drawn.tail)
            for drawn, pair in pairs
        ),
        left_out=drawing.left_out,
        memory=str(lookup.memory),
    )
