"""What stands before the API: who may ask, how often, how much at once. Every answer leaves with headers of safety."""

import asyncio
import hmac
from collections.abc import Mapping
from typing import Any, Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from flows.serving.rate import RateLimit
from flows.serving.settings import ServingSettings, is_loopback

HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_LONGEST: Final = 500
"""Characters of a refusal."""
_OPEN: Final = frozenset({"/", "/graph", "/health", "/openapi.json"})
"""Paths that say nothing secret, as those of the pages' parts; all others want the token and count for the rate."""
_PAGE: Final = "/page/"


class _RefusedError(Exception):
    def __init__(self, status: int, line: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(line)
        self.response = refusal(status, line, headers)


def refusal(status: int, line: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """Return a refusal of one line, whatever characters of the request stand in it."""
    shown = " ".join(line.encode(errors="replace").decode().split())
    return JSONResponse({"error": shown[:_LONGEST]}, status, headers)


class Guard:
    """Refuses what may not pass, and reads the body of what may."""

    def __init__(self, app: ASGIApp, settings: ServingSettings, rate: RateLimit) -> None:
        self._app, self._settings, self._rate = app, settings, rate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        try:
            self._admit(scope, Headers(scope=scope))
            body = await self._body(Headers(scope=scope), receive)
        except _RefusedError as refused:
            await refused.response(scope, receive, guarded)
            return
        await self._app(scope, _Replay(body, receive), guarded)

    def _admit(self, scope: Scope, headers: Headers) -> None:
        host = headers.get("host", "")
        if self._settings.loopback and not is_loopback(_without_port(host)):  # another site's name that leads here
            raise _RefusedError(421, f"no such host here: {host[:80]!r}; ask 127.0.0.1")
        if scope["path"] in _OPEN or scope["path"].startswith(_PAGE):
            return
        if self._settings.token and not _shows(headers, self._settings.token.get_secret_value()):
            raise _RefusedError(
                401, "this server wants a token: Authorization: Bearer TOKEN", {"WWW-Authenticate": "Bearer"}
            )
        if wait := self._rate.take(client_of(scope)):
            raise _RefusedError(*too_often(wait))

    async def _body(self, headers: Headers, receive: Receive) -> bytes:
        """Read a body within its bounds, whatever length it claims to have."""
        most = self._settings.max_body
        large = _RefusedError(413, f"a request has at most {most} bytes: ask less at once")
        if headers.get("content-length", "0").isdecimal() and int(headers.get("content-length", "0")) > most:
            raise large
        body, more = bytearray(), True
        try:
            async with asyncio.timeout(self._settings.body_seconds):
                while more:
                    message = await receive()
                    body += message.get("body", b"")
                    more = message.get("more_body", False)
                    if len(body) > most:
                        raise large
        except TimeoutError:
            raise _RefusedError(408, "the request did not arrive in time: send it again") from None
        return bytes(body)


class _Replay:
    """Gives a body that was read; what comes then is the connection's end."""

    def __init__(self, body: bytes, receive: Receive) -> None:
        self._body: bytes | None = body
        self._receive = receive

    async def __call__(self) -> Message:
        if self._body is None:
            return await self._receive()
        body, self._body = self._body, None
        return {"type": "http.request", "body": body, "more_body": False}


def client_of(scope: Mapping[str, Any]) -> str:
    """Return the address that a request comes from."""
    return scope["client"][0] if scope.get("client") else ""


def too_often(wait: int) -> tuple[int, str, dict[str, str]]:
    """Return the refusal of a client that asks too often."""
    return 429, f"too many questions: ask again in {wait} s", {"Retry-After": str(wait)}


def _shows(headers: Headers, token: str) -> bool:
    scheme, _, shown = headers.get("authorization", "").partition(" ")
    return scheme.lower() == "bearer" and hmac.compare_digest(shown.strip().encode(), token.encode())


def _without_port(host: str) -> str:
    return host[: host.find("]") + 1] if host.startswith("[") else host.partition(":")[0]
