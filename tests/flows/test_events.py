"""A version's event reaches the server once, and again only where it was lost."""

import time

import pytest
from prefect.client.orchestration import get_client
from prefect.events.filters import EventFilter, EventIDFilter
from prefect.events.schemas.events import ReceivedEvent
from prefect.settings import PREFECT_API_URL

from flows import events
from qamat_core.store.store import Store
from schemas.artifacts import ArtifactRef
from tests.qamat_core.store.jobs import make_table


@pytest.fixture(autouse=True)
def lasting(prefect, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the tests' server be one that was there before."""
    monkeypatch.setenv("PREFECT_API_URL", str(PREFECT_API_URL.value()))


def _received(ref: ArtifactRef) -> list[ReceivedEvent]:
    """Ask the server for the events of a version; it writes them down a moment after it has them."""
    wanted = EventFilter(id=EventIDFilter(id=[events.event_id(events.CORPUS_COMMITTED, ref)]))
    for _ in range(100):
        with get_client(sync_client=True) as client:
            if found := client.read_events(wanted, limit=10).events:
                return found
        time.sleep(0.1)
    return []


def test_an_event_says_what_was_committed_and_is_sent_once(store: Store):
    ref = make_table(store)
    assert events.announce(events.CORPUS_COMMITTED, ref, {"memory": "small", "preset": "toy"})
    (event,) = _received(ref)
    assert event.event == "qamat.corpus.committed"
    resource = dict(event.resource)
    assert resource["prefect.resource.id"] == "qamat.corpus.small"
    assert (resource["qamat.memory"], resource["qamat.preset"]) == ("small", "toy")
    assert (resource["qamat.key"], resource["qamat.content"]) == (ref.key, ref.content)
    assert not events.announce(events.CORPUS_COMMITTED, ref, {"memory": "small", "preset": "toy"})


def test_a_lost_event_is_sent_by_the_next_run(store: Store, monkeypatch: pytest.MonkeyPatch):
    ref = make_table(store, "lost")
    with monkeypatch.context() as cut_off:
        cut_off.setattr(events, "emit_event", lambda *_, **__: None)
        events.announce(events.CORPUS_COMMITTED, ref, {})
    assert events.announce(events.CORPUS_COMMITTED, ref, {}), "the server does not have it"
    assert len(_received(ref)) == 1


def test_another_version_has_an_event_of_its_own(store: Store):
    first, second = make_table(store, "first"), make_table(store, "second")
    assert events.event_id(events.CORPUS_COMMITTED, first) != events.event_id(events.CORPUS_COMMITTED, second)
    assert events.event_id(events.CORPUS_COMMITTED, first) != events.event_id(events.MODEL_TRAINED, first)


def test_a_server_that_ends_with_its_command_is_told_nothing(store: Store, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("PREFECT_API_URL")
    assert not events.announce(events.CORPUS_COMMITTED, make_table(store, "unheard"), {})
