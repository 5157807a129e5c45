"""A server over a tiny model, asked inside the test's process or, by a browser, through a socket."""

import socket
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import uvicorn
from playwright.sync_api import Browser, Page, sync_playwright
from starlette.testclient import TestClient

from flows.asking import open_engine
from flows.serving.app import create_app
from flows.serving.follower import Follower
from flows.serving.settings import ServingSettings
from qamat_core.store.store import Store
from tasks.answering import Engine
from tasks.entry_lookup import EntryLookup
from tests import programs
from tests.qamat_core.qamat import tiny
from tests.tasks.corpus import pair, passage, register
from tests.tasks.tiny_home import SCRIPT


@pytest.fixture(scope="session")
def engine(askable: Path) -> Engine:
    """Reads two of ten entries."""
    opened = open_engine(str(askable), None, None, top_k=None, min_confidence=0.0, batch_sizes=(4,))
    opened.warm()
    return opened


@pytest.fixture(scope="session")
def linked(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """The same model over entries that lead to each other: to ten people's towns, to rivers, to where these end."""
    store = Store(tmp_path_factory.mktemp("linked"))
    people = list(zip(tiny.PEOPLE, tiny.TOWNS, strict=True))
    pages = [
        {**passage(number, f"{name} lives in {town}."), "title": name} for number, (name, town) in enumerate(people)
    ]
    rows = [
        pair(f"q{number}", f"Where does {name} live?", town, f"p{number}") for number, (name, town) in enumerate(people)
    ]
    rivers = [("Dorf", "Elbe"), ("Stad", "Elbe"), ("Holm", "Eider"), ("Burg", SCRIPT)]
    rows += [pair(f"r{town}", f"which river flows through {town.lower()}?", river) for town, river in rivers]
    rows += [pair("s0", "Where does the Elbe end?", "North Sea"), pair("s1", "Is it?", "yes")]
    memory = register(store, "qa_pairs", "linked", rows)
    return replace(engine, entries=EntryLookup.open(store, memory, [register(store, "passages", "linked", pages)]))


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


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, if the machine has one."""
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=programs.chromium(), args=["--no-sandbox"])


@contextmanager
def opened(browser: Browser, url: str, path: str = "") -> Generator[Page]:
    """Give a page, just opened; nothing outside the server is asked for, and nothing goes wrong on it."""
    with browser.new_context() as context:
        page = context.new_page()
        asked: list[str] = []
        faults: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("dialog", lambda dialog: faults.append(dialog.message))
        page.set_default_timeout(10_000)
        page.goto(url + path)
        yield page
        assert [one for one in asked if not one.startswith(url)] == []
        assert faults == []
