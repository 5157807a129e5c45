"""A file server on this machine that knows ranges, and fails where a test tells it to."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

_RANGE: Final = re.compile(r"bytes=(\d+)-")


@dataclass
class Answer:
    """How one request is answered, in place of the file."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None
    """The file, but the connection is closed after so many bytes of the body."""


@dataclass
class FileServer:
    """Files by path, and what happened."""

    files: dict[str, bytes] = field(default_factory=dict)
    etag: str | None = '"v1"'
    modified: str | None = None
    ranges: bool = True
    lengths: bool = True
    encoding: str | None = None
    kind: str | None = None
    """What the headers Content-Encoding and Content-Type say."""
    script: list[Answer] = field(default_factory=list)
    """Answers to the next requests, one each; then the files are given."""
    asked: list[tuple[str, str]] = field(default_factory=list)
    """Path and header Range of every request."""
    authorization: list[str] = field(default_factory=list)
    """Header Authorization of every request that has one."""
    sent: list[int] = field(default_factory=list)
    """Bytes of the body of every answer."""
    hold: threading.Event | None = None
    """If set, the second half of a body waits for it."""
    address: str = ""


@contextmanager
def serving() -> Iterator[FileServer]:
    """Serve until the block ends."""
    told = FileServer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            told.asked.append((self.path, self.headers.get("Range", "")))
            told.sent.append(0)
            told.authorization += filter(None, [self.headers.get("Authorization")])
            answer = told.script.pop(0) if told.script else Answer()
            if answer.status != 200 or self.path not in told.files:
                return self._status(answer.status if answer.status != 200 else 404, answer.headers)
            return self._file(told.files[self.path], answer.cut, len(told.sent) - 1)

        def _file(self, content: bytes, cut: int | None, number: int) -> None:
            start = self._start()
            if start is not None and start >= len(content):
                return self._status(416, {"Content-Range": f"bytes */{len(content)}"})
            body = content[start or 0 :]
            self.send_response(200 if start is None else 206)
            if start is not None:
                self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
            if told.lengths:
                self.send_header("Content-Length", str(len(body)))
            for name, value in (
                ("ETag", told.etag),
                ("Last-Modified", told.modified),
                ("Content-Encoding", told.encoding),
                ("Content-Type", told.kind),
            ):
                if value is not None:
                    self.send_header(name, value)
            self.end_headers()
            body = body if cut is None else body[:cut]
            half = len(body) // 2 if told.hold else len(body)
            for piece in (body[:half], body[half:]):
                self.wfile.write(piece)
                self.wfile.flush()
                told.sent[number] += len(piece)
                if told.hold and piece is not body[half:]:
                    told.hold.wait(30)
            self.close_connection = True
            return None

        def _start(self) -> int | None:
            asked = _RANGE.fullmatch(self.headers.get("Range", ""))
            same = self.headers.get("If-Range") in (told.etag, told.modified)
            return int(asked[1]) if asked and same and told.ranges else None

        def _status(self, status: int, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.block_on_close = False
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    told.address = f"http://127.0.0.1:{server.server_port}"
    try:
        yield told
    finally:
        server.shutdown()
        server.server_close()
