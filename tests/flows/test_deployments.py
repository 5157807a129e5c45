"""`make server` as a whole: a real server, the deployments of prefect.yaml and a process worker, offline."""

import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from qamat_core.store.store import Store
from schemas.presets import preset
from schemas.resources import Resources
from tasks import evaluate
from tasks.evaluate import EvaluateInputs

PROJECT = Path(__file__).parents[2]
NAMES = {"regenerate-corpus", "train-qamat", "reproduce-paper", "reproduce-table5", "answer-from-human-pairs"}
PATIENCE_SECONDS = 540
RECALL = 0.4
"""Recall@4 on test questions that `smoke` has to reach over its generated memory."""
ENDED = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}

pytestmark = pytest.mark.timeout(1200)


class Served:
    """A running `make server` on a home of its own."""

    def __init__(self, directory: Path) -> None:
        self.home = directory / "home"
        self.log = directory / "log"
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "QAMAT_HOME"))}
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "flows.server", "--home", str(self.home), "--port", str(self.port)],
                cwd=PROJECT,
                env={**kept, "DO_NOT_TRACK": "1"},
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.api = httpx.Client(base_url=f"http://127.0.0.1:{self.port}/api", timeout=60)

    def until(self, happened: Callable[[], bool], seconds: float = PATIENCE_SECONDS) -> None:
        """Wait; a test that waits in vain shows the log."""
        end = time.monotonic() + seconds
        while not happened():
            assert time.monotonic() < end, f"waited {seconds} s in vain:\n{self.log.read_text()}"
            assert self.process.poll() is None, f"the server ended:\n{self.log.read_text()}"
            time.sleep(0.5)

    def deployment(self, name: str) -> dict[str, Any]:
        return self.api.get(f"/deployments/name/{name}/{name}").raise_for_status().json()

    def order(self, name: str, /, **fields: object) -> httpx.Response:
        path = f"/deployments/{self.deployment(name)['id']}/create_flow_run"
        return self.api.post(path, json={"parameters": {"order": fields}})

    def state(self, run: str) -> str:
        return self.api.get(f"/flow_runs/{run}").raise_for_status().json()["state"]["type"]

    def run(self, name: str, /, **fields: object) -> str:
        """Run a deployment through the worker to its end; return the run's id."""
        run = self.order(name, **fields).raise_for_status().json()["id"]
        self.until(lambda: self.state(run) in ENDED)
        assert self.state(run) == "COMPLETED", self.log.read_text()
        return run

    def runs(self, deployment: str) -> list[dict[str, Any]]:
        wanted = {"deployments": {"name": {"any_": [deployment]}}}
        return self.api.post("/flow_runs/filter", json=wanted).raise_for_status().json()

    def stop(self) -> None:
        """Press Ctrl-C."""
        self.process.send_signal(signal.SIGINT)
        self.process.wait(timeout=120)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    server = Served(tmp_path_factory.mktemp("server"))
    try:
        server.until(lambda: "The Prefect UI" in server.log.read_text())
        yield server
    finally:
        started = psutil.Process(server.process.pid).children(recursive=True) if server.process.poll() is None else []
        for process in [server.process, *started]:
            process.kill()
        server.api.close()
        server.process.wait()


def test_deployments_queue_what_is_ordered_twice(served: Served) -> None:
    for name in NAMES:
        deployment = served.deployment(name)
        assert deployment["work_pool_name"] == "qamat"
        assert deployment["concurrency_options"]["collision_strategy"] == "ENQUEUE"
        assert deployment["global_concurrency_limit"]["limit"] == 1
        assert deployment["description"]
        assert deployment["tags"]


def test_a_second_server_on_the_home_is_refused(served: Served) -> None:
    command = [sys.executable, "-m", "flows.server", "--home", str(served.home), "--port", "1"]
    refused = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert refused.returncode == 1
    assert refused.stderr.endswith("another server runs on this home; end it, or give another --home\n")


def test_forms_explain_every_field(served: Served) -> None:
    for name in NAMES:
        schema = served.deployment(name)["parameter_openapi_schema"]
        order = schema["definitions"][schema["properties"]["order"]["$ref"].rsplit("/", 1)[-1]]
        assert all(field["title"] and field["description"] for field in order["properties"].values()), name
        if name == "answer-from-human-pairs":
            assert order["properties"]["scale"]["enum"] == ["toy", "minutes", "hour"]
        else:
            assert order["properties"]["preset"]["enum"] == ["toy", "smoke", "mini", "small", "base", "large"]
        assert order["properties"]["workers"]["minimum"] == 1


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"preset": "huge"}, "order.preset"),
        ({"workers": 0}, "minimum of 1"),
        ({"stages": ["inbtch"]}, "order.stages[0]"),
        ({"nme": "world"}, "'nme' was unexpected"),
    ],
)
def test_server_refuses_wrong_orders_with_the_reason(served: Served, wrong: dict[str, object], reason: str) -> None:
    refused = served.order("train-qamat", **wrong)
    assert refused.status_code == 409
    assert reason in refused.json()["detail"]


def test_cron_puts_runs_into_the_calendar(served: Served) -> None:
    (schedule,) = served.deployment("regenerate-corpus")["schedules"]
    assert schedule["schedule"]["timezone"] == "UTC"
    served.until(lambda: bool(served.runs("regenerate-corpus")), seconds=120)
    planned = [run["expected_start_time"] for run in served.runs("regenerate-corpus") if run["auto_scheduled"]]
    assert planned
    assert all(time.split("T")[1].startswith("03:00:00") for time in planned)


def test_worker_makes_a_corpus_and_trains_on_it(served: Served) -> None:
    made = served.run("regenerate-corpus", preset="smoke", name="town")
    trained = served.run(
        "train-qamat", preset="smoke", memory="town", corpus="town", name="model", questions="town-train"
    )
    store = Store(served.home)
    assert store.row(store.newest("qa_pairs", "town")).flow_run_id == made
    for stage in ("inbatch", "global", "finetune"):
        assert store.row(store.newest("checkpoint", f"model-{stage}")).flow_run_id == trained
    assert _recall(store, Resources(home=str(served.home))) > RECALL
    shown = served.api.post("/artifacts/filter", json={"flow_runs": {"id": {"any_": [trained]}}}).json()
    assert {artifact["type"] for artifact in shown} == {"progress"}


def _recall(store: Store, resources: Resources) -> float:
    """The share of the test questions for which the model that the worker trained finds a right entry among four."""
    inputs = EvaluateInputs(
        store.newest("checkpoint", "model-finetune"),
        store.newest("qa_examples", "town-test"),
        store.newest("index", "model-inbatch"),
    )
    config = preset("smoke").evaluation.single_hop
    ref = evaluate.run(config, inputs, name="seen", resources=resources)[max(config.ks)]
    hits = store.open_table(ref, ["first_hit"]).column("first_hit").to_pylist()
    return sum(hit is not None and hit < 4 for hit in hits) / len(hits)


def test_ctrl_c_ends_server_worker_and_run(served: Served) -> None:
    run = served.order("regenerate-corpus", preset="mini", name="cut").raise_for_status().json()["id"]
    served.until(lambda: served.state(run) == "RUNNING")
    started = psutil.Process(served.process.pid).children(recursive=True)
    served.stop()
    assert served.process.returncode == 0, served.log.read_text()
    assert not [process for process in started if process.is_running()]
    with sqlite3.connect(served.home / "prefect" / "prefect.db") as database:
        rows = database.execute("SELECT state_type FROM flow_run WHERE id = ?", (run,)).fetchall()
    assert rows == [("CRASHED",)]
