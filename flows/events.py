"""Events on the Prefect server, by which automations start what comes next: a memory committed, a model trained.

An event belongs to a version of an artifact and has its id of it. It is sent by the first run over that version that
finds the server without it: the run that made the version, or, where that one was cut off in between or the server lost
the event, the next one of the same order. So an event comes at least once; where nothing fails, once in the time that
the server keeps events (our servers 90 days).
"""

import os
from collections.abc import Mapping
from typing import Final
from uuid import UUID, uuid5

from prefect.client.orchestration import get_client
from prefect.events import emit_event
from prefect.events.filters import EventFilter, EventIDFilter
from prefect.events.worker import EventsWorker

from schemas.artifacts import ArtifactRef

CORPUS_COMMITTED: Final = "qamat.corpus.committed"
MODEL_TRAINED: Final = "qamat.model.trained"
_NAMESPACE: Final = UUID("6f1d3c52-5a0e-4d1f-9a52-1a1a2b9c7d10")
_PATIENCE: Final = 10
"""Seconds that the server has to take an event."""


def announce(event: str, ref: ArtifactRef, about: Mapping[str, str]) -> bool:
    """Send an event of a version unless the server knows of it; say whether it was sent.

    A command with a server of its own, which ends with it, sends none: nothing would hear it.

    Args:
        event: ``CORPUS_COMMITTED`` or ``MODEL_TRAINED``.
        ref: the memory, or the last checkpoint.
        about: what automations read, as labels ``qamat.<name>`` of the resource.
    """
    number = event_id(event, ref)
    if not os.environ.get("PREFECT_API_URL") or _known(number):
        return False
    what = event.split(".")[1]
    labels = {"qamat.artifact": str(ref), "qamat.key": ref.key, "qamat.content": ref.content}
    labels |= {f"qamat.{name}": value for name, value in about.items()}
    resource = {"prefect.resource.id": f"qamat.{what}.{ref.name}", "prefect.resource.name": str(ref), **labels}
    emit_event(event, resource, id=number)
    EventsWorker.drain_all(timeout=_PATIENCE)  # a run that ends now has told of what it made
    return True


def event_id(event: str, ref: ArtifactRef) -> UUID:
    """Return the id of the event of a version: the same whoever sends it."""
    return uuid5(_NAMESPACE, f"{event} {ref.key} {ref.content}")


def _known(number: UUID) -> bool:
    with get_client(sync_client=True) as client:
        return bool(client.read_events(EventFilter(id=EventIDFilter(id=[number])), limit=1).events)
