"""What a flow runs in when it is called from the command line: settings, a server, and who is told of progress.

Nothing here imports Prefect before its settings stand in the environment.
"""

import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from flows import large_pages
from flows.local_server import LocalServer
from qamat_core.processor import processor
from qamat_core.store.storage import open_storage
from qamat_core.store.store import Store

_KEPT_FROM = "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"
SETTINGS = {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_TELEMETRY_ENABLE_RESOURCE_METRICS": "false",
    "PREFECT_RESULTS_DEFAULT_SERIALIZER": "json",
    "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL",
    "PREFECT_SERVER_LOGGING_LEVEL": "ERROR",
    _KEPT_FROM: "0.3",
    large_pages.VARIABLE: large_pages.SETTING,
}
"""No analytics, no pickles, a terminal for our own lines (logs go to the server), programs that were compiled once are
kept, and large pages for the processes that are started (the workers' runs). What is set already stays."""


@contextmanager
def prefect_session(home: str) -> Generator[None]:
    """Let flows run inside the block, on the server of PREFECT_API_URL or else on one of our own.

    Raises:
        ConfigError: the home cannot be written.
    """
    directory = set_environment(home)
    if os.environ.get("PREFECT_API_URL"):
        yield
        return
    server = LocalServer(directory)
    try:
        from prefect.settings import PREFECT_API_URL, temporary_settings

        server.wait()
        with temporary_settings(updates={PREFECT_API_URL: server.url}):
            try:
                yield
            finally:
                _send_what_waits()
    finally:
        server.stop()


def set_environment(home: str) -> Path:
    """Put the settings into the environment, where they are not set; return Prefect's directory.

    It lies in the home; of a home in an object store, in its mirror.

    Raises:
        ConfigError: the home cannot be written.
    """
    place = Store(home).home
    directory = place / "prefect"
    os.environ.setdefault("PREFECT_HOME", str(directory))
    _keep_programs(place)
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    return directory


def keep_programs(home: str) -> None:
    """Let programs that were compiled once be kept in a home, if it is there; call it before jax is imported."""
    storage = open_storage(home)
    if storage.exists():
        _keep_programs(storage.directory)


def _keep_programs(directory: Path) -> None:
    os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(directory / "compiled" / processor()))
    os.environ.setdefault(_KEPT_FROM, SETTINGS[_KEPT_FROM])


def _send_what_waits() -> None:
    """Send logs and events that wait in the background, before the server goes."""
    from prefect.events.worker import EventsWorker
    from prefect.logging.handlers import APILogHandler

    APILogHandler().flush()
    EventsWorker.drain_all(timeout=5)
