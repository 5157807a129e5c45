"""Runs of `qamat` that can be killed: each is a fork of one process that has imported everything already.

They share a Prefect server and what JAX compiled, so that a run of the preset `toy` takes some seconds.
"""

import multiprocessing
import os
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path

from flows.local_server import LocalServer
from flows.runtime import SETTINGS
from qamat_core.store.registry import Registry
from qamat_core.store.storage import open_storage

TOY = ("reproduce", "--preset", "toy", "--only", "table4", "--memory", "generated", "--out", "{home}-report")
"""The run that is killed: a corpus, its memory, the three stages of training, what they answer, the report."""
SMOKE = ("reproduce", "--preset", "smoke", *TOY[3:])
"""The same with models that learn something."""
HANGS = 1800
"""A run that has not ended after so many seconds has hung."""


def _run(arguments: tuple[str, ...], home: Path, prepare: Callable[[], None] | None) -> None:
    """Be the process of a run; what it prints goes to ``<home>.log``."""
    log = os.open(f"{home}.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.setsid()
    if prepare is not None:
        prepare()
    sys.argv = ["qamat", *(argument.format(home=home) for argument in arguments), "--home", str(home)]

    from flows.cli.main import main  # noqa: PLC0415 - in the fork

    main()


@dataclass(frozen=True)
class Runs:
    """Starts runs on one server."""

    context: ForkServerContext

    def start(
        self, home: Path, arguments: tuple[str, ...] = TOY, prepare: Callable[[], None] | None = None
    ) -> ForkServerProcess:
        """Start a run; ``prepare`` is called in its process before it begins."""
        process = self.context.Process(target=_run, args=(arguments, home, prepare))
        process.start()
        return process

    def finish(self, home: Path, arguments: tuple[str, ...] = TOY) -> None:
        """Run to the end, which must be good."""
        self.end(self.start(home, arguments), home)

    def end(self, process: ForkServerProcess, home: Path) -> None:
        """Wait for the end of a run, which must be good."""
        process.join(HANGS)
        assert process.exitcode == 0, f"exit code {process.exitcode}: {Path(f'{home}.log').read_text()[-3000:]}"


def die_after(process: ForkServerProcess, seconds: float) -> bool:
    """Kill a run with SIGKILL after so many seconds; say whether it was still running."""
    process.join(seconds)
    alive = process.exitcode is None
    if alive:
        process.kill()
        process.join()
    return alive


@contextmanager
def runs(directory: Path) -> Generator[Runs]:
    """Give what starts runs; server and forks end with the block."""
    kept = dict(os.environ)
    server = LocalServer(directory / "server")
    try:
        server.wait()
        programs = {"JAX_COMPILATION_CACHE_DIR": str(directory / "compiled")}
        os.environ.update(SETTINGS | programs | {"PREFECT_API_URL": server.url, "CI": "true"})
        os.environ["PREFECT_HOME"] = str(directory / "prefect")
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["flows.reproduce", "flows.cli.reproduce", "flows.cli.main"])
        yield Runs(context)
    finally:
        server.stop()
        os.environ.clear()
        os.environ.update(kept)


def contents(home: Path) -> dict[str, str]:
    """Return the content digest of every artifact by its key.

    Raises:
        AssertionError: a key has two rows.
    """
    rows = Registry(open_storage(home)).rows()
    found = {row.ref.key: row.ref.content for row in rows}
    assert len(found) == len(rows), "one row a key"
    return found
