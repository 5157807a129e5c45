"""Runs the command line inside the test's process."""

import json
import sys
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from flows.cli.main import main
from flows.runtime import prefect_session


@dataclass(frozen=True)
class Finished:
    """What a command left: its exit code and what it printed."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """The object on the last line of standard output."""
        return json.loads(self.out.splitlines()[-1])


@pytest.fixture
def qamat(home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Finished]:
    """Run `qamat` with these arguments on an empty home."""
    monkeypatch.setenv("QAMAT_HOME", str(home))

    def run(*arguments: object) -> Finished:
        monkeypatch.setattr(sys, "argv", ["qamat", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as exit_info:
            main()
        captured = capsys.readouterr()
        code = exit_info.value.code
        return Finished(code if isinstance(code, int) else 0, captured.out, captured.err)

    return run


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Generator[None]:
    """One Prefect server for all commands of a module."""
    with prefect_session(str(tmp_path_factory.mktemp("server"))), pytest.MonkeyPatch.context() as patch:
        from prefect.settings import PREFECT_API_URL  # noqa: PLC0415 the session sets its environment first

        patch.setenv("PREFECT_API_URL", str(PREFECT_API_URL.value()))
        yield


@pytest.fixture
def refused(qamat) -> Callable[..., str]:
    """Run a command that must be refused; return its one line."""

    def run(*arguments: object) -> str:
        result = qamat(*arguments, "--json")
        line = result.err.splitlines()[-1]
        assert result.code == 1
        assert "Traceback" not in result.err
        assert result.err.count("qamat: ") == 1
        assert result.json == {"error": line.removeprefix("qamat: ")}
        return line

    return run
