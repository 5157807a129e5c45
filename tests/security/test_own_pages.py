"""A page of another site, open in a browser on this machine, orders nothing of a server without a password."""

from collections.abc import Iterator, Mapping

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin, Subprotocol

from flows.local_server import LocalServer
from tests.security.asking import status


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    directory = tmp_path_factory.mktemp("open")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("PREFECT_SERVER_API_AUTH_STRING", raising=False)
        patch.setenv("PREFECT_HOME", str(directory))
        started = LocalServer(directory)
        try:
            started.wait()
            yield started
        finally:
            started.stop()


def _status(server: LocalServer, headers: Mapping[str, str], method: str = "POST") -> int:
    return status(server, method, "/flows/filter", headers)


def _port(server: LocalServer) -> str:
    return server.url.removesuffix("/api").rpartition(":")[2]


FOREIGN = (
    "http://elsewhere.example",
    "https://127.0.0.1",
    "http://127.0.0.1",
    "http://127.0.0.1.elsewhere.example",
    "null",
)


@pytest.mark.parametrize("origin", FOREIGN)
def test_a_foreign_page_is_refused(server: LocalServer, origin: str):
    assert _status(server, {"Origin": origin}) == 403
    asked_first = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    assert _status(server, asked_first, method="OPTIONS") == 403


@pytest.mark.parametrize(
    "name", ["elsewhere.example", "127.0.0.1.elsewhere.example", "localhost.elsewhere.example", "10.0.0.1"]
)
def test_a_foreign_name_that_leads_here_is_refused(server: LocalServer, name: str):
    host = f"{name}:{_port(server)}"
    assert _status(server, {"Host": host}) == 403
    assert _status(server, {"Host": host, "Origin": f"http://{host}"}) == 403


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
def test_its_own_pages_and_who_is_no_browser_pass(server: LocalServer, name: str):
    host = f"{name}:{_port(server)}"
    assert _status(server, {"Host": host}) == 200
    assert _status(server, {"Host": host, "Origin": f"http://{host}"}) == 200


@pytest.mark.parametrize("path", ["/events/in", "/events/out", "/logs/out"])
def test_no_foreign_page_opens_a_stream(server: LocalServer, path: str):
    address = f"{server.url.replace('http', 'ws')}{path}"
    with pytest.raises(InvalidStatus) as refused:
        connect(address, origin=Origin("http://elsewhere.example"), subprotocols=[Subprotocol("prefect")])
    assert refused.value.response.status_code == 403
    own = Origin(server.url.removesuffix("/api"))
    with connect(address, origin=own, subprotocols=[Subprotocol("prefect")]) as stream:
        assert stream.subprotocol == "prefect"
