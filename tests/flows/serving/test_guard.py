"""A body that does not arrive is not waited for, and one that is too long is not kept."""

import asyncio
import json

from starlette.types import Message, Scope

from flows.serving.guard import Guard
from flows.serving.rate import RateLimit
from flows.serving.settings import ServingSettings

SCOPE: Scope = {
    "type": "http",
    "method": "POST",
    "path": "/ask",
    "headers": [(b"host", b"[::1]:8321")],
    "client": ("::1", 5),
}


async def _nobody(*_: object) -> None:
    raise AssertionError("it was passed on")


def _reply(messages: list[Message], settings: ServingSettings) -> tuple[int, str]:
    """Send these messages, then nothing; return what is answered."""
    sent: list[Message] = []

    async def receive() -> Message:
        if messages:
            return messages.pop(0)
        return await asyncio.Future()

    async def send(message: Message) -> None:
        sent.append(message)

    asyncio.run(asyncio.wait_for(Guard(_nobody, settings, RateLimit(0, 1))(SCOPE, receive, send), 20))
    return sent[0]["status"], json.loads(sent[1]["body"])["error"]


def test_a_body_that_does_not_arrive_is_not_waited_for():
    begun: list[Message] = [{"type": "http.request", "body": b"{", "more_body": True}]
    assert _reply(begun, ServingSettings(body_seconds=0.05)) == (
        408,
        "the request did not arrive in time: send it again",
    )


def test_no_more_than_is_allowed_is_read():
    parts: list[Message] = [{"type": "http.request", "body": b"x" * 10, "more_body": True} for _ in range(9)]
    status, line = _reply(parts, ServingSettings(max_body=25))
    assert (status, line) == (413, "a request has at most 25 bytes: ask less at once")
    assert len(parts) == 6
