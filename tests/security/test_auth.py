"""With a password set, no data route of the Prefect server answers without it."""

import base64
import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from fastapi.routing import APIWebSocketRoute
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from flows.local_server import LocalServer
from tests.security.asking import status

PASSWORD = "admin:opens: the /door"
OPEN = {"/health", "/ready"}
"""What probes of a balancer ask; they tell nothing."""
SOME_ID = "6f1d3c52-5a0e-4d1f-9a52-1a1a2b9c7d10"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    """A server with a password."""
    directory = tmp_path_factory.mktemp("guarded")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PREFECT_SERVER_API_AUTH_STRING", PASSWORD)
        patch.setenv("PREFECT_HOME", str(directory))
        server = LocalServer(directory)
        try:
            server.wait()
            yield server
        finally:
            server.stop()


def _status(server: LocalServer, method: str, path: str, password: str | None = None) -> int:
    shown = {} if password is None else {"Authorization": f"Basic {base64.b64encode(password.encode()).decode()}"}
    return status(server, method, path, shown)


def _routes() -> list[tuple[str, str]]:
    """Return every method and path of Prefect's own description of its API."""
    from prefect.server.api.server import create_api_app  # noqa: PLC0415 - reads its settings when it is imported

    described = create_api_app().openapi()["paths"]
    return [
        (method.upper(), re.sub(r"\{[^}]*\}", SOME_ID, path).removeprefix("/api"))
        for path, methods in described.items()
        for method in methods
    ]


def test_every_data_route_refuses_who_has_no_password(guarded: LocalServer):
    routes = _routes()
    assert len(routes) > 150, "the API is described"
    answers = {f"{method} {path}": _status(guarded, method, path) for method, path in routes if path not in OPEN}
    assert {route: status for route, status in answers.items() if status != 401} == {}


@pytest.mark.parametrize("wrong", ["admin:opens", "", PASSWORD + " ", PASSWORD.upper()])
def test_a_wrong_password_is_refused(guarded: LocalServer, wrong: str):
    assert _status(guarded, "POST", "/flows/filter", wrong) == 401


def test_the_password_opens(guarded: LocalServer):
    assert _status(guarded, "POST", "/flows/filter", PASSWORD) == 200
    assert _status(guarded, "GET", "/health") == 200


def _streams() -> list[str]:
    """Return the path of every WebSocket, which the description of the API leaves out."""
    from prefect.server.api.server import create_api_app  # noqa: PLC0415 - reads its settings when it is imported

    return [re.sub(r"\{[^}]*\}", "qamat", path) for path in _sockets(create_api_app().routes)]


def _sockets(routes: Sequence[Any]) -> Iterator[str]:
    for route in routes:
        if isinstance(route, APIWebSocketRoute):
            yield route.path
        elif router := getattr(route, "original_router", None):  # FastAPI keeps what was included as it was
            yield from _sockets(router.routes)


def _greeted(server: LocalServer, path: str, hello: dict[str, str]) -> str:
    """Open a stream as Prefect's clients do, and return how it answers: its first message, or why it closes."""
    with connect(f"{server.url.replace('http', 'ws')}{path}", subprotocols=[Subprotocol("prefect")]) as stream:
        try:
            stream.send(json.dumps(hello))
            return str(stream.recv(timeout=30))
        except ConnectionClosed as closed:
            return f"closed {closed.rcvd.code if closed.rcvd else ''}"


def test_a_stream_opens_by_the_password_alone(guarded: LocalServer):
    streams = _streams()
    assert {"/events/in", "/events/out", "/logs/out"} < set(streams), "what goes in and out is among them"
    for path in streams:
        for wrong in ("", "admin:opens", PASSWORD + " "):
            assert _greeted(guarded, path, {"type": "auth", "token": wrong}) == "closed 1008", f"{path} {wrong!r}"
        assert _greeted(guarded, path, {"event": "qamat.corpus.committed"}) == "closed 1008", path
        assert json.loads(_greeted(guarded, path, {"type": "auth", "token": PASSWORD}))["type"] == "auth_success", path
