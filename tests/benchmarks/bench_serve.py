"""`qamat serve` under load: 200 clients for 60 s, one request in five of them bad; then killed and started again.

Serves the home in QAMAT_HOME, which has to have a fine-tuned model (`make demo` makes one). Clients run in a process of
their own, on the same processors. The rows: requests a second beside those of one client; resident memory at the end
beside that after ten seconds; the seconds from a start after kill -9 to the first answer, beside the ten allowed.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.request import Request, urlopen

import numpy as np
import psutil

from flows.lookup import find_index, find_model, open_home
from schemas.errors import ConfigError
from tests.benchmarks.measure import Row, require

SOURCES = Path(__file__).parents[2]
CLIENTS, SETTLED, ALLOWED, MIB = 200, 10.0, 10.0, 2**20
START = "import sys; from flows.cli.main import main; sys.argv[0] = 'qamat'; main()"


def run(*, quick: bool) -> list[Row]:
    """Return the rows."""
    home = os.environ.get("QAMAT_HOME", "qamat-home")
    clients, seconds = (20, 14.0) if quick else (CLIENTS, 60.0)
    questions = _questions(home)
    with TemporaryDirectory() as folder:
        file = Path(folder) / "questions.json"
        file.write_text(json.dumps(questions))
        with _serving(home, questions[0]):
            pass  # what is compiled at the first start is kept
        with _serving(home, questions[0]) as (address, server, _):
            alone = _load(address, 1, 5.0, file)
            with subprocess.Popen(
                _command(address, clients, seconds, file), cwd=SOURCES, stdout=subprocess.PIPE
            ) as load:
                time.sleep(SETTLED)
                settled = server.memory_info().rss / MIB
                together = json.loads(load.communicate()[0])
            ended = server.memory_info().rss / MIB
            server.send_signal(signal.SIGKILL)
        with _serving(home, questions[0]) as (_, _, started):
            pass
    if together["wrong"]:
        raise ConfigError(f"serve: wrong replies {together['wrong']}")
    versions = require("fastapi", "uvicorn", "jax")
    p50, p99 = (1000 * np.percentile(together["seconds"], share) for share in (50, 99))
    rates = [sum(one["statuses"].values()) / one["took"] for one in (together, alone)]
    kinds = ", ".join(f"{kind}: {count}" for kind, count in sorted(together["statuses"].items()))
    note = f"{clients} clients, {seconds:.0f} s: p50 {p50:.0f} ms, p99 {p99:.0f} ms of an answer; {kinds}"
    return [
        Row("serve: requests", "1/s", "one client", rates[0], rates[1], rates[0] / rates[1], versions, note),
        Row("serve: memory at the end", "MiB", "after 10 s", ended, settled, settled / ended, versions),
        Row("serve: start after kill -9", "s", "allowed", started, ALLOWED, ALLOWED / started, versions),
    ]


def _questions(home: str) -> list[str]:
    store = open_home(home)
    memory = store.row(find_index(store, find_model(store, None))).inputs["memory"]
    return store.open_table(memory, ["question"])["question"].to_pylist()[:1000]


@contextmanager
def _serving(home: str, question: str) -> Generator[tuple[str, psutil.Process, float]]:
    """Run a server; give its address, its process, and the seconds that its first answer took from the start."""
    began = time.monotonic()
    environment = {**os.environ, "QAMAT_HOME": home}
    command = [sys.executable, "-c", START, "serve", "--port", "0", "--json"]
    with subprocess.Popen(command, cwd=SOURCES, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline() or '{"error": "it ended"}')
        if "error" in told:
            raise ConfigError(f"serve: the server did not start: {told['error']}")
        url = told["url"]
        asked = Request(f"{url}/ask", json.dumps({"question": question}).encode(), {"Content-Type": "application/json"})
        with urlopen(asked, timeout=60):
            started = time.monotonic() - began
        yield url.removeprefix("http://"), psutil.Process(process.pid), started
        if process.poll() is None:
            process.send_signal(signal.SIGINT)


def _load(address: str, clients: int, seconds: float, file: Path) -> dict[str, Any]:
    ended = subprocess.run(_command(address, clients, seconds, file), cwd=SOURCES, check=True, capture_output=True)
    return json.loads(ended.stdout)


def _command(address: str, clients: int, seconds: float, file: Path) -> list[str]:
    return [sys.executable, "-m", "tests.benchmarks.serve_clients", address, str(clients), str(seconds), str(file)]
