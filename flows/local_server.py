"""A Prefect server of our own: offline, quiet, gone when the command that started it ends.

Prefect's built-in temporary server writes into our terminal, and Ctrl-C kills it before the flow can say that it was
stopped. This one logs to a file, hears no Ctrl-C, and ends when the pipe from its parent closes, however that dies.
"""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import uvicorn
from starlette.types import ASGIApp

from flows.own_pages import OwnPagesOnly
from schemas.errors import ConfigError

STARTUP_SECONDS = 180
"""The first start makes the database, which takes long on a busy machine."""
ANSWERS_ONLY = {"PREFECT__SERVER_EPHEMERAL": "1", "PREFECT_SERVER_UI_ENABLED": "0"}
WITH_UI = {
    "PREFECT_SERVER_UI_API_URL": "/api",
    "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
    # Events that a later run of the same order asks for, weeks after (flows/events.py).
    "PREFECT_SERVER_EVENTS_RETENTION_PERIOD": "P90D",
}


class LocalServer:
    """A server process with its log in a directory; it starts at once and is waited for later.

    It takes a free port and only answers. On a port that is given, it shows the UI and runs schedules too.

    Raises:
        ConfigError: the port is taken.
    """

    def __init__(self, directory: Path, port: int | None = None) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._log = directory / ("server.log" if port is None else f"server-{port}.log")
        services = ANSWERS_ONLY if port is None else WITH_UI
        port = _free_port() if port is None else _unused(port)
        self.url = f"http://127.0.0.1:{port}/api"
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", __name__, str(port)],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env={**os.environ, **services},
            )

    def wait(self) -> None:
        """Wait until the server answers.

        Raises:
            RuntimeError: it ended or does not answer; names its log.
        """
        for _ in range(STARTUP_SECONDS * 10):
            if self._process.poll() is not None:
                raise RuntimeError(f"the Prefect server ended at its start: see {self._log}")
            try:
                with urlopen(f"{self.url}/health", timeout=10):
                    return
            except (URLError, OSError):
                time.sleep(0.1)
        raise RuntimeError(f"the Prefect server does not answer after {STARTUP_SECONDS} s: see {self._log}")

    def stop(self) -> None:
        """End the server; it writes what it still has to write."""
        if self._process.stdin:
            self._process.stdin.close()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def _unused(port: int) -> int:
    with socket.socket() as asked:
        if asked.connect_ex(("127.0.0.1", port)) == 0:
            raise ConfigError(f"port {port} is taken, perhaps by another server of yours: give another with --port")
    return port


def main(port: int) -> None:
    """Serve until standard input closes."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    uvicorn.run(
        _create_app,
        factory=True,
        port=port,
        log_level="warning",
        timeout_graceful_shutdown=3,
    )


def _create_app() -> ASGIApp:
    from prefect.server.api.server import create_app  # noqa: PLC0415 - slow, and in this process alone

    return OwnPagesOnly(create_app())


def _end_with_parent() -> None:
    sys.stdin.buffer.read()
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main(int(sys.argv[1]))
