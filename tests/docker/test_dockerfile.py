"""What docker/Dockerfile names is there, what it leaves out is not needed, and nothing in it runs as root."""

import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from importlib.metadata import distribution
from importlib.util import find_spec
from pathlib import Path

import pytest

from qamat_core.store.fingerprint import library_versions
from tests.docker.dockerfile import PROJECT, TARGETS, Stage, stages

STAGES = stages()
PINS = dict(re.findall(r"^([\w.-]+)==(\S+)$", (PROJECT / "constraints.txt").read_text(), re.MULTILINE))
DEPENDENCIES = {
    re.split(r"[^\w.-]", line)[0]
    for line in tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["dependencies"]
}


def requirements(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run docker/requirements.py as a build does."""
    command = [sys.executable, PROJECT / "docker" / "requirements.py", *arguments]
    return subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)


def left_out(stage: str) -> list[str]:
    """Return the packages that a build stage does without."""
    step = next(rest for name, rest in STAGES[stage].steps if name == "RUN" and "--without" in rest)
    return step.partition("--without ")[2].partition(" >")[0].split()


def test_the_targets_are_there():
    assert set(TARGETS) <= STAGES.keys()
    roots = {stage.image for stage in STAGES.values() if stage.parent is None}
    assert roots == {"python:3.11-slim-bookworm", f"apache/beam_python3.11_sdk:{PINS['apache-beam']}"}


@pytest.mark.parametrize("stage", STAGES.values(), ids=STAGES)
def test_what_is_copied_is_there(stage: Stage):
    for source, paths, _ in stage.copies():
        if source is not None:
            assert source in STAGES
            continue
        for path in paths:
            assert (PROJECT / path).exists(), f"{path} is not in the project"
            assert sent(path), f".dockerignore keeps {path} from the build"


def sent(path: str) -> bool:
    """Say whether .dockerignore lets a path through: the last line that fits decides."""
    is_sent = True
    for line in (PROJECT / ".dockerignore").read_text().splitlines():
        if line and not line.startswith("#"):
            fits = any(fnmatch(str(part), line.removeprefix("!")) for part in [Path(path), *Path(path).parents])
            is_sent = line.startswith("!") if fits else is_sent
    return is_sent


def test_no_more_is_sent_than_is_copied():
    tracked = subprocess.run(["git", "ls-files"], cwd=PROJECT, capture_output=True, text=True, check=True).stdout
    copied = {path for stage in STAGES.values() for source, paths, _ in stage.copies() if not source for path in paths}
    for path in [*tracked.splitlines(), "docker/.env", ".git/HEAD", "qamat-home/x", "flows/__pycache__/x.pyc"]:
        wanted = any(path == one or path.startswith(f"{one}/") for one in copied) and not path.endswith(".pyc")
        assert sent(path) == wanted, path


def test_requirements_come_from_pyproject():
    assert len(requirements().stdout.splitlines()) == len(DEPENDENCIES)
    assert requirements("--accelerator", "gpu").stdout.splitlines()[-1] == "jax[cuda12]>=0.10"
    assert requirements("--accelerator", "tpu").stdout.splitlines()[-1] == "jax[tpu]>=0.10"
    assert requirements("--only", "prefect").stdout.startswith("prefect>=")
    assert "choose from" in requirements("--accelerator", "abacus").stderr
    refused = requirements("--without", "prefekt")
    assert refused.returncode == 2
    assert "does not depend on prefekt" in refused.stderr


def test_what_the_harness_leaves_out_no_source_in_it_imports():
    sources = [path for package in ("schemas", "qamat_core", "tasks") for path in (PROJECT / package).rglob("*.py")]
    used = {name.lower() for name in library_versions(sources)}
    assert {"prefect", "fastapi"} <= set(left_out("build-harness")) <= DEPENDENCIES
    assert {"apache-beam", "jax"} <= used
    assert used.isdisjoint(left_out("build-harness"))


def test_serving_imports_nothing_that_its_image_leaves_out():
    """The commands are imported too: `qamat` lists them."""
    blocked = left_out("build-serving")
    assert "prefect" in blocked
    program = f"import sys; sys.modules.update(dict.fromkeys({blocked})); import flows.cli.main, flows.serving.server"
    environment = {**os.environ, "JAX_PLATFORMS": "cpu", "PYTHONPATH": str(PROJECT)}
    subprocess.run([sys.executable, "-c", f"{program}, flows.asking"], cwd=PROJECT, env=environment, check=True)


@pytest.mark.parametrize("target", TARGETS)
def test_a_container_starts_something_that_exists_and_not_as_root(target: str):
    stage = STAGES[target]
    first, *words = stage.starts()
    scripts = {entry.name for name in ("qamat", "prefect") for entry in distribution(name).entry_points}
    if first == "python":
        assert words[0] == "-m"
        assert find_spec(words[1])
    else:
        assert first in scripts or {first, f"/opt/qamat/bin/{first}"} & stage.files()
    assert stage.last("USER") == "${UID}"
    assert ("ARG", "UID=10001") in stage.all_steps()


@pytest.mark.parametrize("target", TARGETS)
def test_what_listens_tells_its_health(target: str):
    stage = STAGES[target]
    port, health = stage.last("EXPOSE"), stage.last("HEALTHCHECK")
    assert bool(port) == bool(health)
    if health:
        python, _, program = json.loads(health.partition("CMD ")[2])
        assert python == "python"
        assert f"{port}/" in program or f", {port})" in program
        compile(program, "health", "exec")


@pytest.mark.parametrize(
    ("given", "starts"),
    [(None, False), ("", False), ("qamat", False), ("qamat:", False), (":x", False),
     ("qamat:x", True), ("qamat::", True), ("qamat:a:b $c", True)],
)  # fmt: skip
def test_a_server_without_a_password_does_not_start(tmp_path: Path, given: str | None, starts: bool):
    stand_in = tmp_path / "prefect"
    stand_in.write_text('#!/bin/sh\necho "$@ as $PREFECT_SERVER_API_AUTH_STRING"\n')
    stand_in.chmod(0o755)
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    environment |= {} if given is None else {"PREFECT_SERVER_API_AUTH_STRING": given}
    script = PROJECT / "docker" / "start-server.sh"
    done = subprocess.run([script], env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode == 0) == starts
    if starts:
        assert done.stdout.strip() == f"server start --host 0.0.0.0 --port 4200 as {given}"
    else:
        assert "give USER:PASSWORD" in done.stderr


def test_hadolint_finds_nothing():
    hadolint = Path(sys.executable).parent / "hadolint"
    if not hadolint.exists():
        pytest.skip("no hadolint: make check-docker installs it")
    done = subprocess.run([hadolint, "docker/Dockerfile"], cwd=PROJECT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_installs_are_bounded_by_the_tested_versions():
    for name, rest in (step for stage in STAGES.values() for step in stage.steps):
        if name == "RUN" and "pip install" in rest:
            words = shlex.split(rest.partition("pip install")[2])
            assert "--no-deps" in words or words[words.index("--constraint") + 1] == "constraints.txt"
