"""A Hugging Face hub on this machine: repositories that are directories, at one commit each."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@contextmanager
def hub(repositories: dict[str, Path]) -> Iterator[tuple[str, list[str]]]:
    """Serve directories by ``org/name``, branch ``main``; give the address and the paths that were asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self._answer(body=False)

        def do_GET(self) -> None:
            self._answer(body=True)

        def _answer(self, body: bool) -> None:
            path = urlsplit(self.path).path
            asked.append(path)
            for name, directory in repositories.items():
                if path.startswith(f"/api/models/{name}"):
                    return self._api(directory, name, path.removeprefix(f"/api/models/{name}"))
                file = directory / path.removeprefix(f"/{name}/resolve/{COMMIT}/")
                if path.startswith(f"/{name}/resolve/{COMMIT}/") and file.is_file():
                    return self._send(file.read_bytes(), body)
            return self._missing("RepoNotFound")

        def _api(self, directory: Path, name: str, rest: str) -> None:
            files = sorted(file for file in directory.rglob("*") if file.is_file())
            if rest in ("", "/revision/main", f"/revision/{COMMIT}"):
                siblings = [{"rfilename": file.name} for file in files]
                return self._send(json.dumps({"id": name, "sha": COMMIT, "siblings": siblings}).encode())
            if rest == f"/tree/{COMMIT}":
                sizes = [(file.name, file.stat().st_size) for file in files]
                tree = [{"type": "file", "path": path, "size": size, "oid": "0" * 40} for path, size in sizes]
                return self._send(json.dumps(tree).encode())
            return self._missing("RevisionNotFound")

        def _send(self, content: bytes, body: bool = True) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.send_header("ETag", f'"{sha256(content).hexdigest()}"')
            self.send_header("X-Repo-Commit", COMMIT)
            self.end_headers()
            if body:
                self.wfile.write(content)

        def _missing(self, code: str) -> None:
            self.send_response(404)
            self.send_header("X-Error-Code", code)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()
