"""`make server` as a whole: a real server, the deployments of prefect.yaml and a process worker, offline."""

import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from flows.events import MODEL_TRAINED, event_id
from qamat_core.store.provenance import git_commit
from qamat_core.store.store import Store
from qamat_core.store.tags import find_tag
from schemas.presets import preset
from schemas.resources import Resources
from tasks import evaluate
from tasks.evaluate import EvaluateInputs
from tests import programs
from tests.flows.postgres import postgres
from tests.flows.prefect_page import PrefectPage

PROJECT = Path(__file__).parents[2]
NAMES = {
    *("regenerate-corpus", "train-qamat", "build-index", "evaluate", "reproduce-paper", "reproduce-table5"),
    "answer-from-human-pairs",
}
WITHOUT_PRESET = {"build-index", "evaluate"}
SHOTS = PROJECT / "tests-output" / "prefect-ui"
"""Screenshots of the Prefect UI, kept to be looked at."""
PATIENCE_SECONDS = 540
RECALL = 0.4
"""Recall@4 on test questions that `smoke` has to reach over its generated memory."""
ENDED = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}

pytestmark = pytest.mark.timeout(1200)


class Served:
    """A running `make server` on a home of its own."""

    def __init__(self, directory: Path, **settings: str) -> None:
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
                env={**kept, "DO_NOT_TRACK": "1", "QAMAT_ROOTS": f"{PROJECT},{directory}", **settings},
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
        for _ in range(10):
            answer = self.api.post(path, json={"parameters": {"order": fields}})
            if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:  # its database was locked for long
                break
            time.sleep(1)
        return answer

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

    def automated(self) -> str:
        """Wait for the training that an automation starts, to its good end; return the run's id."""
        self.until(lambda: bool(self.runs("train-qamat")), seconds=120)
        newest = max(self.runs("train-qamat"), key=lambda run: run["created"])["id"]
        self.until(lambda: self.state(newest) in ENDED)
        assert self.state(newest) == "COMPLETED", self.log.read_text()
        return newest

    def artifacts(self, run: str) -> list[dict[str, Any]]:
        wanted = {"flow_runs": {"id": {"any_": [run]}}}
        return self.api.post("/artifacts/filter", json=wanted).raise_for_status().json()

    def stop(self) -> None:
        """Press Ctrl-C."""
        self.process.send_signal(signal.SIGINT)
        self.process.wait(timeout=120)


@contextmanager
def serving(directory: Path, **settings: str) -> Iterator[Served]:
    """Run `make server` inside the block, with these variables of its environment."""
    server = Served(directory, **settings)
    try:
        server.until(lambda: "The Prefect UI" in server.log.read_text())
        yield server
    finally:
        started = psutil.Process(server.process.pid).children(recursive=True) if server.process.poll() is None else []
        for process in [server.process, *started]:
            process.kill()
        server.api.close()
        server.process.wait()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("server")) as server:
        yield server


@pytest.fixture(params=["sqlite", "postgres"])
def on_either(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server whose database is SQLite's file, and one whose database is PostgreSQL."""
    if request.param == "sqlite":
        yield request.getfixturevalue("served")
        return
    directory = tmp_path_factory.mktemp("postgres")
    with (
        postgres(directory / "database") as url,
        serving(directory, PREFECT_SERVER_DATABASE_CONNECTION_URL=url) as server,
    ):
        yield server


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=programs.chromium(), args=["--no-sandbox"])


def test_deployments_queue_what_is_ordered_twice(served: Served) -> None:
    for name in NAMES:
        deployment = served.deployment(name)
        assert deployment["work_pool_name"] == "qamat"
        assert deployment["concurrency_options"]["collision_strategy"] == "ENQUEUE"
        assert deployment["global_concurrency_limit"]["limit"] == 1
        assert deployment["description"]
        assert deployment["tags"]
        assert deployment["enforce_parameter_schema"]
        assert deployment["version"].startswith(git_commit()[:10])


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
            assert order["properties"]["scale"]["enum"] == ["toy", "minutes", "hour", "gpu"]
        elif name not in WITHOUT_PRESET:
            assert order["properties"]["preset"]["enum"] == ["toy", "smoke", "mini", "small", "base", "large"]
            assert order["properties"]["workers"]["minimum"] == 1


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"preset": "huge"}, "order.preset"),
        ({"workers": 0}, "minimum of 1"),
        ({"name": "World!"}, "does not match"),
        ({"start_at": "inbatch"}, "order.start_at"),
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


@pytest.mark.slow
def test_a_committed_corpus_is_trained_over_by_itself(served: Served) -> None:
    made = served.run("regenerate-corpus", preset="smoke", name="town")
    trained = served.automated()
    assert served.api.get(f"/flow_runs/{trained}").json()["name"] == "train-qamat town smoke s0"
    store = Store(served.home)
    assert store.row(store.newest("qa_pairs", "town")).flow_run_id == made
    for stage in ("inbatch", "global", "finetune"):
        assert store.row(store.newest("checkpoint", f"town-{stage}")).flow_run_id == trained
    assert _recall(store, Resources(home=str(served.home))) > RECALL
    told = {"id": {"id": [str(event_id(MODEL_TRAINED, store.newest("checkpoint", "town-finetune")))]}}
    served.until(lambda: bool(served.api.post("/events/filter", json={"filter": told}).json()["events"]))
    shown = served.artifacts(trained)
    assert {artifact["type"] for artifact in shown} == {"progress", "table", "markdown"}
    assert {artifact["data"] for artifact in shown if artifact["type"] == "progress"} == {100.0}


@pytest.mark.slow
def test_a_training_is_ordered_in_a_browser(
    on_either: Served, chromium: Browser, request: pytest.FixtureRequest
) -> None:
    served, shots = on_either, SHOTS / request.node.callspec.params["on_either"]
    known = len(served.runs("train-qamat"))
    served.run("regenerate-corpus", preset="toy", name="hamlet")
    served.until(lambda: len(served.runs("train-qamat")) > known, seconds=120)
    served.automated()
    before = {run["id"] for run in served.runs("train-qamat")}
    with chromium.new_context(viewport={"width": 1280, "height": 1100}) as context:
        ui = PrefectPage(context.new_page(), f"http://127.0.0.1:{served.port}", shots)
        ui.open(f"/deployments/deployment/{served.deployment('train-qamat')['id']}/run", "Parameters")
        assert ui.explanation("Memory").startswith("The memory (qa_pairs) with the pre-training examples")
        assert ui.explanation("Start at").startswith("The first of the stages that may be trained.")
        places = [ui.titles().index(title) for title in ("Preset", "Memory", "Model name", "Beam threads", "Home")]
        assert places == sorted(places), "what the order is about comes before what all orders have"
        ui.shot("1-form")
        ui.choose("Preset", "toy")
        ui.fill("Memory", "hamlet")
        ui.fill("Training questions", "hamlet-train")
        ui.fill("Model name", "From A Form")
        ui.submit()
        expect(ui.refusal()).to_contain_text("'order.name'. Failure reason: 'From A Form' does not match")
        ui.see(ui.field("Model name"), "2-wrong-value")
        assert {run["id"] for run in served.runs("train-qamat")} == before
        ui.fill("Model name", "from-a-form")
        ui.submit()
        run = _seen_through(served, "train-qamat", before)
        ui.open(f"/runs/flow-run/{run}", "train-qamat from-a-form toy s0")
        ui.wait_for("submitted to infrastructure")  # a line of its log
        ui.shot("3-completed")
        for artifact in served.artifacts(run):
            if artifact["type"] != "progress":
                ui.open(f"/artifacts/artifact/{artifact['id']}", artifact["key"])
                ui.shot(f"4-{artifact['key']}")
        assert {"from-a-form-training", "from-a-form-trained"} <= {one["key"] for one in served.artifacts(run)}
        assert ui.foreign == []


FLOORS = ("Least exact match", "Least recall@K", "Least AUROC of abstention")
"""What a model of the preset toy, which learns nothing, does not reach."""


@pytest.mark.slow
def test_what_was_trained_is_indexed_measured_and_promoted_in_a_browser(served: Served, chromium: Browser) -> None:
    known = len(served.runs("train-qamat"))
    served.run("regenerate-corpus", preset="toy", name="borough")
    served.until(lambda: len(served.runs("train-qamat")) > known, seconds=120)
    trained, measured = served.automated(), {"Checkpoint": "borough-finetune", "Questions": "borough-test"}
    orders = [
        ("build-index", {"Checkpoint": "borough-finetune", "Memory": "borough"}, {}),
        ("evaluate", measured, {}),
        ("promote-bundle", measured | dict.fromkeys(FLOORS, "0"), {}),
        ("train-qamat", {"Reuse an earlier run": trained}, {}),
        (
            "reproduce-table1",
            {"Study name": "borough", "Report folder": str(served.home.with_name("out"))},
            {"Preset": "toy"},
        ),
    ]
    with chromium.new_context(viewport={"width": 1280, "height": 1100}) as context:
        ui = PrefectPage(context.new_page(), f"http://127.0.0.1:{served.port}", SHOTS / "others")
        for name, texts, choices in orders:
            before = {run["id"] for run in served.runs(name)}
            ui.open(f"/deployments/deployment/{served.deployment(name)['id']}/run", "Parameters")
            for title, option in choices.items():
                ui.choose(title, option)
            for title, text in texts.items():
                ui.fill(title, text)
            ui.shot(f"{name}-1-form")
            ui.submit()
            run = _seen_through(served, name, before)
            shown = [artifact for artifact in served.artifacts(run) if artifact["type"] != "progress"]
            assert shown, f"{name} shows something"
            for artifact in shown:
                ui.open(f"/artifacts/artifact/{artifact['id']}", artifact["key"])
                ui.shot(f"{name}-2-{artifact['key']}")
        assert ui.foreign == []
    store = Store(served.home)
    assert find_tag(store.registry, "production").target.kind == "bundle"
    made = {str(row.ref) for row in store.registry.rows() if row.flow_run_id == trained}
    assert str(store.newest("checkpoint", "borough-finetune")) in made, "the run that reused it made no other"


def _seen_through(served: Served, name: str, before: set[str]) -> str:
    """Wait for the run of a form that was submitted, to its good end; return its id."""
    served.until(lambda: len(served.runs(name)) > len(before))
    (run,) = (one["id"] for one in served.runs(name) if one["id"] not in before)
    served.until(lambda: served.state(run) in ENDED)
    assert served.state(run) == "COMPLETED", served.log.read_text()
    return run


def _recall(store: Store, resources: Resources) -> float:
    """The share of the test questions for which the model that the worker trained finds a right entry among four."""
    inputs = EvaluateInputs(
        store.newest("checkpoint", "town-finetune"),
        store.newest("qa_examples", "town-test"),
        store.newest("index", "town-inbatch"),
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
