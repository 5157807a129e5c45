"""Jobs on worker processes of another pool: the same bytes, faults as they were raised, and no wait for the dead."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from qamat_core.store.store import Store
from schemas.artifacts import ArtifactRef
from schemas.corpus import MemoryConfig, NegativesConfig
from schemas.errors import ConfigError, CorruptArtifactError, RunnerError
from schemas.generation import FilterOpenDomainConfig, FilterQuestionsConfig, GenerateQuestionsConfig
from schemas.resources import Resources, RunnerName
from tasks import (
    build_memory,
    extract_answers,
    filter_open_domain,
    filter_questions,
    generate_questions,
    mine_negatives,
)
from tasks.beam import Counted, Process, Tables, align, run_shards
from tasks.runner_options import check_runner
from tests.tasks.conftest import EXTRACTION, SHAPE, Generated
from tests.tasks.corpus import passage, register

ROOT = Path(__file__).parents[2]
ROWS = [passage(number, f"Text {number}.") for number in range(8)]


@dataclass(frozen=True)
class Pool:
    """A pool of worker processes that Beam's own program starts, as it would on another machine."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path

    def resources(self, home: Path | str) -> Resources:
        """Return resources that let an embedded job service take its workers from this pool."""
        options = ("--job_endpoint=embed", "--environment_type=EXTERNAL", f"--environment_config=localhost:{self.port}")
        return Resources(home=str(home), runner="PortableRunner", runner_options=options)

    def started(self) -> int:
        """Return how many worker processes were started."""
        return self.log.read_text().count("Starting worker with command")

    def kill(self) -> None:
        """Kill the pool with its workers."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@contextmanager
def pool(directory: Path, sources: Path = ROOT) -> Generator[Pool]:
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",  # it starts "python" by this name
        "PYTHONPATH": str(sources),
        "JAX_COMPILATION_CACHE_DIR": str(directory / "compiled"),
    }
    log = directory / f"pool-{port}.log"
    command = [sys.executable, "-m", "apache_beam.runners.worker.worker_pool_main", f"--service_port={port}"]
    with log.open("w") as stderr:
        process = subprocess.Popen(command, env=environment, cwd=directory, stderr=stderr, start_new_session=True)
    made = Pool(process, port, log)
    try:
        _wait(lambda: _answers(port))
        yield made
    finally:
        if process.poll() is None:
            made.kill()


def _answers(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("localhost", port)) == 0


def _wait(happened: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.fixture(scope="module")
def workers(tmp_path_factory: pytest.TempPathFactory) -> Generator[Pool]:
    with pool(tmp_path_factory.mktemp("pool")) as made:
        yield made


def _make(given: Generated, name: str, resources: Resources) -> list[ArtifactRef]:
    passages, generator = given.world.passages, given.generator
    how: dict[str, Any] = {"name": name, "resources": resources}
    read = extract_answers.ExtractionInputs(passages, generator)
    answers = extract_answers.run(EXTRACTION, read, **how)
    marked = generate_questions.QuestionInputs(passages, answers, generator)
    questions = generate_questions.run(GenerateQuestionsConfig(shape=SHAPE), marked, **how)
    asked = filter_questions.FilterInputs(passages, answers, questions, generator)
    verdicts = filter_questions.run(FilterQuestionsConfig(shape=SHAPE), asked, **how)
    others = filter_open_domain.run(FilterOpenDomainConfig(passages=2, shape=SHAPE), asked, **how)
    judged = build_memory.MemoryInputs(answers, questions, verdicts, (given.world.gold_pairs,))
    memory = build_memory.run(MemoryConfig(shard_rows=40), judged, **how)
    mined = mine_negatives.run(NegativesConfig(), mine_negatives.NegativesInputs(passages, memory.qa_pairs), **how)
    return [answers, questions, verdicts, others, *vars(memory).values(), *vars(mined).values()]


def test_a_corpus_has_the_same_bytes_whoever_makes_it(generated: Generated, workers: Pool):
    home = generated.store.home
    before = workers.started()
    elsewhere = _make(generated, "elsewhere", workers.resources(home))
    jobs = workers.started() - before
    here = _make(generated, "here", Resources(home=str(home), workers=2))
    assert jobs == 12  # two pipelines a model stage and the memory, one for retrieval and negatives: none ran here
    assert workers.started() - before == jobs
    for other, own in zip(elsewhere, here, strict=True):
        assert other.content == own.content, other
        assert generated.store.row(other).rows > 0 or other.kind == "rejects", other


def _setup(notes: Path | None = None) -> Process:
    return partial(_copy, notes)


def _copy(notes: Path | None, tables: Tables) -> Counted:
    """Copy a shard. With notes: leave one of the process, and wait at the shard of p2 until somebody says go."""
    rows = tables["passages"]
    first = rows["passage_id"][0].as_py()
    if notes:
        (notes / f"{first}-{os.getpid()}").touch()
        if first == "p2":
            _wait((notes / "go").exists)
    return Counted({"passages": rows}, read=rows.num_rows, kept=rows.num_rows, rejected=0)


@pytest.fixture
def elements(tmp_path: Path) -> list[dict[str, Path]]:
    store = Store(tmp_path / "home")
    passages = register(store, "passages", "c", ROWS, 2)
    return [dict(shards) for shards in align(store, {"passages": passages})]


def test_a_fault_in_a_worker_comes_back_as_it_was_raised(
    elements: list[dict[str, Path]], workers: Pool, tmp_path: Path
):
    elements[1]["passages"].write_bytes(elements[1]["passages"].read_bytes()[:-1])
    with pytest.raises(CorruptArtifactError) as caught:
        run_shards(elements, _setup, ("passages",), tmp_path, workers.resources(tmp_path))
    assert str(elements[1]["passages"]) in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")  # Beam's threads of dead streams
def test_a_killed_pool_ends_the_job_and_the_next_run_does_what_is_left(
    elements: list[dict[str, Path]], tmp_path: Path, workers: Pool
):
    notes = tmp_path / "notes"
    notes.mkdir()
    run = partial(run_shards, elements, partial(_setup, notes), ("passages",), tmp_path)
    with pool(tmp_path) as doomed, ThreadPoolExecutor(1) as thread:
        killing = thread.submit(lambda: (_wait(lambda: any(notes.glob("p2-*"))), doomed.kill()))
        with pytest.raises(
            RunnerError, match=r"^PortableRunner: RuntimeError: a worker process was lost; what is done"
        ):
            run(doomed.resources(tmp_path))
        killing.result()
        done = {int(path.stem.removeprefix("receipt-")) for path in tmp_path.glob("receipt-*")}
        with pytest.raises(RunnerError, match=rf"localhost.*{doomed.port}|{doomed.port}.*refused"):
            run(doomed.resources(tmp_path))
    (notes / "go").touch()
    draft = run(workers.resources(tmp_path))["passages"]
    assert [shard.rows for shard in draft.shards] == [2, 2, 2, 2]
    processed = [path.name.split("-") for path in notes.glob("p*-*")]
    assert len(processed) == 4 + 1  # the shard of p2 twice
    assert 1 not in done
    assert str(os.getpid()) not in {process for _, process in processed}


def test_workers_with_other_sources_are_refused(tmp_path: Path):
    for room in ("schemas", "qamat_core", "tasks", "tests"):
        shutil.copytree(ROOT / room, tmp_path / "other" / room)
    with (tmp_path / "other" / "qamat_core" / "text.py").open("a") as source:
        source.write("LATER = 1\n")
    store = Store(tmp_path / "home")
    with pool(tmp_path, tmp_path / "other") as workers:
        passages = register(store, "passages", "c", ROWS, 2)
        inputs = build_memory.MemoryInputs(passages, passages, passages)
        with pytest.raises(
            ConfigError, match=r"^worker on \S+: qamat_core\.text is \w{12} here and \w{12} where the comm"
        ):
            build_memory.run(MemoryConfig(), inputs, name="c", resources=workers.resources(tmp_path / "home"))


def test_relative_homes_are_made_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    assert Resources(home="home").home == str(tmp_path / "home")
    assert Resources(home="s3://bucket/home").home == "s3://bucket/home"


@pytest.mark.parametrize(
    ("runner", "options", "line"),
    [
        ("DaskRunner", [], "DaskRunner gave wrong results and empty tables"),
        ("PrismRunner", [], "PrismRunner downloads a program"),
        ("DirectRunner", [], "DirectRunner is another name for PrismRunner, or for FnApiRunner"),
        ("NoRunner", [], "'PortableRunner'"),
        ("FnApiRunner", ["--parallelism=2"], "FnApiRunner takes no --parallelism=2"),
    ],
)
def test_runners_that_do_not_serve_are_refused(runner: str, options: list[str], line: str):
    with pytest.raises(ValidationError, match=line):
        Resources.model_validate({"runner": runner, "runner_options": options})


def test_a_home_in_an_object_store_is_refused_where_workers_are_elsewhere():
    with pytest.raises(ValidationError, match="give as home a folder that every machine sees at the same path"):
        Resources(home="s3://bucket/home", runner="FlinkRunner")


@pytest.mark.parametrize(
    ("runner", "options", "line"),
    [
        ("FlinkRunner", ["--flink_mastre=host:8081"], "no option --flink_mastre; did you mean --flink_master?"),
        ("FlinkRunner", ["--flink_version=1"], "--flink_version: invalid choice: '1'"),
        ("FlinkRunner", ["--parallelism", "8"], "'8' is no option; write --NAME=VALUE"),
        ("SparkRunner", ["--runner=FlinkRunner"], "name the runner apart"),
        ("SparkRunner", ["--no_wait_until_finish"], "its tables are committed when it has ended"),
        ("PortableRunner", [], "give --job_endpoint=HOST:PORT"),
        ("PortableRunner", ["--job_endpoint=embed", "--environment_type=docker"], "give one of DOCKER, PROCESS"),
        ("PortableRunner", ["--job_endpoint=embed", "--environment_type=EXTERNAL"], "external_service_address"),
    ],
)
def test_wrong_options_are_refused_in_one_line(runner: RunnerName, options: list[str], line: str):
    with pytest.raises(ConfigError) as caught:
        check_runner(Resources(runner=runner, runner_options=tuple(options)))
    assert line in str(caught.value)
    assert str(caught.value).startswith(f"{runner}: ")
    assert len(str(caught.value).splitlines()) == 1


def test_right_options_pass():
    options = ("--flink_master=host:8081", "--parallelism=8", "--flink_submit_uber_jar")
    resources = Resources(runner="FlinkRunner", runner_options=options)
    assert check_runner(resources) is resources
