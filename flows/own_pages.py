"""Keeps pages of other sites, open in a browser on this machine, from ordering runs of a server without a password."""

from typing import Final

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

NAMES: Final = ("127.0.0.1", "localhost")
"""Under which the server answers: a name of another site that leads to this machine is none of them."""


class OwnPagesOnly:
    """Refuses with 403 what comes from a page of another origin, or was asked under another name than this machine's.

    Who is no browser sends no ``Origin`` and passes. Prefect's own setting for CORS keeps a foreign page from reading
    answers, and does not see WebSockets, by which events come in.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what is of our own, or refuse it."""
        if scope["type"] == "lifespan" or _is_own(Headers(scope=scope)):
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008, "reason": ""})
        else:
            await PlainTextResponse("only this server's own pages may ask\n", 403)(scope, receive, send)


def _is_own(headers: Headers) -> bool:
    host = headers.get("host", "")
    return host.partition(":")[0] in NAMES and headers.get("origin", f"http://{host}") == f"http://{host}"
