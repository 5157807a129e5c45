"""Ctrl-C ends a command with one line, wherever in Prefect it lands; other errors pass."""

from contextlib import nullcontext

import pytest

from flows import runtime
from flows.cli.running import running


@pytest.fixture(autouse=True)
def without_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "prefect_session", lambda _: nullcontext())


def _between_tasks() -> None:
    try:
        raise KeyboardInterrupt
    finally:
        raise ValueError("Task run is not set")


def _stopped() -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("ended", [_stopped, _between_tasks])
def test_an_interrupt_says_how_to_go_on(ended, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(KeyboardInterrupt), running("home"):
        ended()
    assert capsys.readouterr().err.endswith("qamat: stopped; the same command goes on where it was\n")


def test_another_error_stays_what_it_is(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(ValueError, match="no number"), running("home"):
        raise ValueError("no number")
    assert "stopped" not in capsys.readouterr().err
