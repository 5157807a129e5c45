"""A server over a tiny model, asked inside the test's process or, by a browser, through a socket."""

import socket
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import uvicorn
from starlette.testclient import TestClient

from flows.asking import open_engine
from flows.serving.app import create_app
from flows.serving.follower import Follower
from flows.serving.settings import ServingSettings
from tasks.answering import Engine


@pytest.fixture(scope="session")
def engine(askable: Path) -> Engine:
    """Reads two of ten entries."""
    opened = open_engine(str(askable), None, None, top_k=None, min_confidence=0.0, batch_sizes=(4,))
    opened.warm()
    return opened


@pytest.fixture
def client(engine: Engine) -> Iterator[TestClient]:
    """Asks a server with small limits."""
    with asking(engine, ServingSettings(max_batch=4, max_body=150_000)) as asks:
        yield asks


@contextmanager
def asking(engine: Engine, settings: ServingSettings) -> Generator[TestClient]:
    """Give a client of a server with these settings; a defect of the server's is an answer of 500, as for people."""
    app = create_app(engine, settings)
    with TestClient(app, base_url="http://127.0.0.1", raise_server_exceptions=False) as asks:
        yield asks


@contextmanager
def listening(engine: Engine, settings: ServingSettings, follower: Follower | None = None) -> Generator[str]:
    """Serve on a free port; give the URL."""
    with socket.create_server(("127.0.0.1", 0)) as port:
        server = uvicorn.Server(uvicorn.Config(create_app(engine, settings, follower), log_level="error"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [port]})
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield f"http://127.0.0.1:{port.getsockname()[1]}"
        server.should_exit = True
        thread.join()
