"""Clients of `qamat serve`: so many at once, each asks again when it has its answer; valid and bad requests.

Run as a module, with HOST:PORT, clients, seconds and a JSON file of questions; prints one JSON object.
"""

import asyncio
import json
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import NamedTuple


class Request(NamedTuple):
    """Bytes that are sent, and the status that is right for them."""

    kind: str
    sent: bytes
    status: int


@dataclass
class Seen:
    """What came back."""

    statuses: Counter[str] = field(default_factory=Counter[str])
    """By kind and status."""
    wrong: Counter[str] = field(default_factory=Counter[str])
    """Statuses that are not right, and connections that broke."""
    seconds: list[float] = field(default_factory=list[float])
    """Of the answers to valid questions."""


def _post(path: str, body: bytes) -> bytes:
    fields = f"Host: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    return f"POST {path} HTTP/1.1\r\n{fields}\r\n\r\n".encode() + body


def _get(path: str, method: str = "GET") -> bytes:
    return f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()


def _ask(**fields: object) -> bytes:
    return _post("/ask", json.dumps(fields).encode())


def draw(random: Random, questions: list[str]) -> Request:
    """Return a request: seven of ten ask, one asks for four answers, two are bad."""
    question = random.choice(questions)
    share = random.random()
    if share < 0.7:
        return Request("ask", _ask(question=question), 200)
    if share < 0.8:
        four = [{"question": each} for each in random.sample(questions, 4)]
        return Request("batch", _post("/batch", json.dumps({"questions": four}).encode()), 200)
    return random.choice(
        [
            Request("empty", _ask(question=" "), 422),
            Request("100 KB", _ask(question="x" * 100_000), 422),
            Request("not UTF-8", _post("/ask", b'{"question": "\xff\xfe"}'), 400),
            Request("no JSON", _post("/ask", b"{"), 400),
            Request("no question", _ask(top_k=1), 422),
            Request("unknown version", _ask(question=question, version="checkpoint/nobody@9"), 409),
            Request("unknown entry", _get("/entry/nothing"), 404),
            Request("unknown path", _get("/nothing"), 404),
            Request("wrong method", _get("/ask"), 405),
            Request("too large", _post("/ask", b"x").replace(b"Length: 1", b"Length: 2000000"), 413),
        ]
    )


async def client(host: str, port: int, until: float, random: Random, questions: list[str], seen: Seen) -> None:
    """Ask until it is time; a connection is used again unless the server ends it."""
    reader = writer = None
    while time.monotonic() < until:
        request = draw(random, questions)
        started = time.monotonic()
        try:
            if reader is None or writer is None:
                reader, writer = await asyncio.open_connection(host, port)
            writer.write(request.sent)
            status, again = await _reply(reader)
        except (OSError, asyncio.IncompleteReadError) as error:
            seen.wrong[f"{request.kind}: {type(error).__name__}"] += 1
            status, again = 0, False
        if status == 200 and request.kind == "ask":
            seen.seconds.append(time.monotonic() - started)
        seen.statuses[f"{request.kind} {status}"] += 1
        if status and status != request.status:
            seen.wrong[f"{request.kind}: {status}"] += 1
        if not again and writer is not None:
            writer.close()
            reader = writer = None
    if writer is not None:
        writer.close()


async def _reply(reader: asyncio.StreamReader) -> tuple[int, bool]:
    """Read a reply; return its status and whether the connection stays."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    fields = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line)
    await reader.readexactly(int(fields["content-length"]))
    status = int(head.split(" ", 2)[1])
    return status, fields.get("connection") != "close" and status != 413


async def load(host: str, port: int, clients: int, seconds: float, questions: list[str]) -> Seen:
    """Let so many clients ask for so long."""
    seen, until = Seen(), time.monotonic() + seconds
    await asyncio.gather(*(client(host, port, until, Random(number), questions, seen) for number in range(clients)))
    return seen


if __name__ == "__main__":
    address, count, duration, file = sys.argv[1:]
    name, _, number = address.rpartition(":")
    began = time.monotonic()
    came = asyncio.run(load(name, int(number), int(count), float(duration), json.loads(Path(file).read_text())))
    took = time.monotonic() - began
    sys.stdout.write(json.dumps({**vars(came), "took": took}) + "\n")
