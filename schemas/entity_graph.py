"""A memory as a graph of entities (Appendix A): what the HTTP API and its page exchange."""

from typing import Final

from pydantic import Field

from schemas.answers import Unicode
from schemas.base import Frozen
from schemas.errors import InputError

MAX_LINKS: Final = 60
"""Entries of the largest graph that is drawn."""


class GraphAsked(Frozen):
    """Where a graph begins, at a question or at an entity, and how large it may be."""

    question: Unicode | None = Field(default=None, description="It begins at the entries that are read for this.")
    entity: Unicode | None = Field(default=None, description="It begins at the entries that name this.")
    most: int = Field(default=24, ge=1, le=MAX_LINKS, description="Entries that are drawn at most.")

    def check(self) -> None:
        """Refuse what begins nowhere or at two things.

        Raises:
            InputError: it does.
        """
        if (self.question is None) == (self.entity is None):
            raise InputError("a graph begins at a question or at an entity: give one of them")


class Link(Frozen):
    """An entry: its question leads from the entity that it names to its answer."""

    qa_id: str
    question: str
    head: str | None
    """The entity that the question names; null where it names none of this memory."""
    tail: str
    """The answer."""


class EntityGraph(Frozen):
    """Entries as links between entities, which are equal where they are spelt alike, whatever the case."""

    start: tuple[str, ...]
    """The entities that it begins at."""
    answer: str | None
    """What was answered to the question; null without one, or where the model abstains."""
    links: tuple[Link, ...]
    """Nearest first."""
    left_out: int
    """Entries that name an entity of the graph and were not drawn for want of room."""
    memory: str
    """The memory as KIND/NAME@VERSION."""
