"""docker/compose.yaml as docker-compose reads it, without an engine: nothing starts without passwords."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from prefect.settings import Settings

from flows.serving.settings import TOKEN_VARIABLE
from schemas.orders import Promote
from tests.docker.dockerfile import PROJECT, stages

FILE = PROJECT / "docker" / "compose.yaml"
PASSWORDS = {"QAMAT_PASSWORD": "one:two$three four", "POSTGRES_PASSWORD": "a@b/c"}
STAGES = stages()
SERVICES: dict[str, Any] = yaml.safe_load(FILE.read_text())["services"]


@pytest.fixture(scope="module")
def compose() -> Path:
    found = Path(sys.executable).parent / "docker-compose"
    if not found.exists():
        pytest.skip("no docker-compose: make check-docker installs it")
    return found


def read(compose: Path, variables: dict[str, str], *more: str) -> subprocess.CompletedProcess[str]:
    """Let docker-compose read the file; the package's start script ends with 0 whatever it says."""
    environment = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), **variables}
    command = [compose, "--file", FILE, *more, "config"]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_what_is_built_is_there():
    targets = {name: one["build"]["target"] for name, one in SERVICES.items() if "build" in one}
    assert targets == {"server": "server", "deploy": "worker", "worker": "worker", "serving": "serving"}
    for name, target in targets.items():
        build = SERVICES[name]["build"]
        assert (FILE.parent / build["context"]).resolve() == PROJECT
        assert (PROJECT / build["dockerfile"]).exists()
        taken = {rest.partition("=")[0] for step, rest in STAGES[target].all_steps() if step == "ARG"}
        built = {rest.partition("=")[0] for step, rest in STAGES["build-trainer"].steps if step == "ARG"}
        assert set(build.get("args", {})) <= taken | built
        for port in SERVICES[name].get("ports", []):
            assert port.endswith(f":{STAGES[target].last('EXPOSE')}")
            assert port.startswith("${QAMAT_LISTEN:-127.0.0.1}:")


def test_a_service_waits_for_one_that_tells_its_health():
    for one in SERVICES.values():
        for name, how in one.get("depends_on", {}).items():
            told = "healthcheck" in SERVICES[name] or STAGES[SERVICES[name]["build"]["target"]].last("HEALTHCHECK")
            assert how["condition"] == ("service_completed_successfully" if name == "deploy" else "service_healthy")
            assert name == "deploy" or told


def test_every_variable_is_one_that_is_read(monkeypatch: pytest.MonkeyPatch):
    """Prefect and the command take what the services get, and quote passwords themselves."""
    given = {name: value for one in SERVICES.values() for name, value in one.get("environment", {}).items()}
    assert given.pop("QAMAT_TOKEN") == f"${{{TOKEN_VARIABLE}:-}}"
    for name in [name for name in given if name.startswith("POSTGRES_")]:
        del given[name]
    for name in list(os.environ):
        if name.startswith("PREFECT_"):
            monkeypatch.delenv(name)
    for name, value in given.items():
        monkeypatch.setenv(name, PASSWORDS["POSTGRES_PASSWORD"] if "DATABASE_PASSWORD" in name else value)
    settings = Settings()
    assert settings.server.api.auth_string
    assert settings.api.auth_string
    assert settings.api.url == given["PREFECT_API_URL"]
    url = settings.server.database.connection_url
    assert url
    assert url.get_secret_value() == "postgresql+asyncpg://prefect:a%40b%2Fc@postgres:5432/prefect"
    assert given.keys() <= settings.to_environment_variables(include_secrets=True).keys()


def test_the_example_names_every_variable():
    example = (FILE.parent / ".env.example").read_text()
    secrets = ("QAMAT_PASSWORD", "POSTGRES_PASSWORD", "QAMAT_TOKEN")
    for name in (*secrets, "QAMAT_TAG", "QAMAT_LISTEN", "ACCELERATOR", "QAMAT_UID"):
        assert f"${{{name}:" in FILE.read_text()
        assert f"\n{name}=" in example or f"\n#{name}=" in example


def test_what_is_served_is_what_passed_the_gate():
    """Without a bundle, the newest model would be served, promoted or not."""
    assert SERVICES["serving"]["command"] == ["--bundle", f"${{QAMAT_TAG:-{Promote.model_fields['tag'].default}}}"]


def test_the_editors_container_runs_what_is_there():
    described = json.loads((PROJECT / ".devcontainer" / "devcontainer.json").read_text())
    assert described["image"].endswith("python:3.11-bookworm")
    assert described["postCreateCommand"].endswith("&& make setup")
    assert "\nsetup: " in (PROJECT / "Makefile").read_text()


def test_compose_takes_the_files(compose: Path):
    for more in ((), ("--profile", "serving"), ("--file", str(FILE.with_name("compose.gpu.yaml")))):
        done = read(compose, PASSWORDS, *more)
        assert done.stderr == ""
        held = yaml.safe_load(done.stdout)["services"]
        secret = "qamat:" + PASSWORDS["QAMAT_PASSWORD"].replace("$", "$$")
        assert held["server"]["environment"]["PREFECT_SERVER_API_AUTH_STRING"] == secret
        assert held["worker"]["environment"]["PREFECT_API_AUTH_STRING"] == secret
        assert ("serving" in held) == ("serving" in more)


@pytest.mark.parametrize("missing", PASSWORDS)
@pytest.mark.parametrize("value", [None, ""])
def test_compose_refuses_an_empty_password(compose: Path, missing: str, value: str | None):
    given = {name: value if name == missing else one for name, one in PASSWORDS.items()}
    done = read(compose, {name: one for name, one in given.items() if one is not None})
    assert f"required variable {missing} is missing a value" in done.stderr
    assert "services:" not in done.stdout
