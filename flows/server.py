"""`make server`: a Prefect server with its UI, the deployments of prefect.yaml and a process worker.

Ctrl-C (or SIGTERM) ends all of them: first the worker with what it runs, then the server.
"""

import fcntl
import os
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Annotated

import psutil
import typer

from flows.cli.options import DEFAULT_HOME, Home
from flows.local_server import LocalServer
from flows.runtime import set_environment
from qamat_core.store.storage import open_storage
from schemas.errors import ConfigError, QamatError
from schemas.places import ROOTS

PREFECT_FILE = Path(__file__).parent.parent / "prefect.yaml"
ENDINGS = (signal.SIGINT, signal.SIGTERM)
GRACE_SECONDS = 10
"""How long a worker and its runs may take to end before they are killed."""


def serve(
    home: Home = DEFAULT_HOME,
    port: Annotated[int, typer.Option(help="Of the UI and the API, on this machine alone.", min=1, max=65535)] = 4200,
) -> None:
    """Serve until Ctrl-C."""
    for number in ENDINGS:
        signal.signal(number, _interrupt)
    try:
        with serving(home, port) as (url, worker):
            print(f"\nThe Prefect UI: {url.removesuffix('/api')}/deployments   (Ctrl-C ends it)", flush=True)
            print(f"Commands show there too, with: export PREFECT_API_URL={url}\n", flush=True)
            raise SystemExit(worker.wait())
    except KeyboardInterrupt:
        print("stopped", flush=True)
    except (QamatError, RuntimeError) as error:
        raise SystemExit(f"qamat: {error}") from None


@contextmanager
def serving(home: str, port: int) -> Generator[tuple[str, subprocess.Popen[bytes]]]:
    """Run server and worker inside the block; give the URL of the API and the worker.

    Raises:
        ConfigError: the home cannot be written, or has a server already.
        RuntimeError: the server does not start, or refuses the deployments.
    """
    os.environ["QAMAT_HOME"] = str(open_storage(home))
    os.environ.setdefault(ROOTS, str(Path.cwd()))
    os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "INFO")
    directory = set_environment(home)
    with _sole(directory):
        server = LocalServer(directory, port)
        try:
            server.wait()
            os.environ["PREFECT_API_URL"] = server.url
            from flows import deployments

            deployments.prepare(server.url)
            _deploy()
            worker = _start_worker(deployments.POOL)
            try:
                yield server.url, worker
            finally:
                _end(worker)
                deployments.end_cut_off(server.url)
        finally:
            server.stop()


@contextmanager
def _sole(directory: Path) -> Generator[None]:
    """Hold the home: a second server would take the first one's runs for cut off."""
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / "server.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ConfigError(
                f"{directory}: another server runs on this home; end it, or give another --home"
            ) from None
        yield


def _deploy() -> None:
    command = [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all", "--prefect-file", str(PREFECT_FILE)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"the server refused the deployments of {PREFECT_FILE}:\n{done.stdout}{done.stderr}")


def _start_worker(pool: str) -> subprocess.Popen[bytes]:
    """Start a worker that does not hear our Ctrl-C: it is ended in order."""
    command = [sys.executable, "-m", "prefect", "worker", "start", "--pool", pool, "--type", "process"]
    return subprocess.Popen(command, start_new_session=True)


def _end(worker: subprocess.Popen[bytes]) -> None:
    """End a worker together with its runs: it would wait for them, and they are in sessions of their own."""
    if worker.poll() is not None:
        return
    itself = psutil.Process(worker.pid)
    processes = [itself, *itself.children(recursive=True)]
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.terminate()
    for process in psutil.wait_procs(processes, timeout=GRACE_SECONDS)[1]:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    worker.wait()


def _interrupt(number: int, frame: FrameType | None) -> None:
    """End in order, once: a second Ctrl-C changes nothing."""
    del number, frame
    for each in ENDINGS:
        signal.signal(each, signal.SIG_IGN)
    print("\nstopping the worker and what it runs ...", flush=True)
    raise KeyboardInterrupt


if __name__ == "__main__":
    typer.run(serve)
