"""Requests to a Prefect server as anybody may send them."""

from collections.abc import Mapping
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from flows.local_server import LocalServer


def status(server: LocalServer, method: str, path: str, headers: Mapping[str, str]) -> int:
    """Send a request, with an empty object if it is no GET or OPTIONS, and return the status of the answer."""
    body = None if method in ("GET", "OPTIONS") else b"{}"
    request = Request(f"{server.url}{path}", data=body, method=method)
    for name, value in {"Content-Type": "application/json", **headers}.items():
        request.add_header(name, value)
    try:
        with urlopen(request, timeout=30) as reply:
            return reply.status
    except HTTPError as error:
        return error.code
