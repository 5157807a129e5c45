"""Who is told of progress: lines where no terminal is, bars where one is."""

import io
import sys

import pytest
from rich.console import Console
from rich.progress import Progress

from flows import progress as flow_progress
from flows.progress import LineTeller, TerminalTeller, console_teller, on_terminal


def test_without_a_terminal_plain_lines_are_told(capsys: pytest.CaptureFixture[str], monkeypatch):
    monkeypatch.setattr(flow_progress, "SECONDS_BETWEEN", 0.0)
    with on_terminal():
        teller = console_teller()
        teller.begin("train x")
        teller("in-batch", 5, 10, {"step": 5, "loss": 0.25})
        teller.end("train x", "made in 1.0 s")
    assert capsys.readouterr().out == "train x: in-batch 5/10 (loss 0.25)\ntrain x: made in 1.0 s\n"


def test_plain_lines_come_at_most_now_and_then(capsys: pytest.CaptureFixture[str]):
    teller = LineTeller()
    teller.begin("train x")
    for done in range(100):
        teller("in-batch", done, 100, {})
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("value", ["true", "1"])
def test_ci_means_plain_lines(monkeypatch: pytest.MonkeyPatch, value: str):
    monkeypatch.setenv("CI", value)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    with on_terminal():
        assert isinstance(console_teller(), LineTeller)


def test_a_terminal_shows_a_bar_and_keeps_a_line():
    screen = io.StringIO()
    with Progress(console=Console(file=screen, force_terminal=True, width=100)) as bars:
        teller = TerminalTeller(bars)
        teller.begin("train x")
        teller("in-batch", 5, 10, {"loss": 0.25})
        assert [(task.description, task.completed, task.total) for task in bars.tasks] == [("in-batch", 5, 10)]
        teller.end("train x", "made in 1.0 s")
        assert bars.tasks == []
    assert "train x: made in 1.0 s" in screen.getvalue()


def test_a_warning_goes_to_standard_error_without_a_terminal(capsys: pytest.CaptureFixture[str]):
    LineTeller().warn("checkpoint x is damaged")
    assert capsys.readouterr() == ("", "qamat: warning: checkpoint x is damaged\n")


def test_a_terminal_shows_a_warning_above_the_bars():
    screen = io.StringIO()
    with Progress(console=Console(file=screen, force_terminal=True, width=60)) as bars:
        teller = TerminalTeller(bars)
        teller("in-batch", 5, 10, {})
        teller.warn("a [damaged] checkpoint of a name that is longer than the terminal is wide")
        assert len(bars.tasks) == 1
    assert "a [damaged] checkpoint of a name that is longer than the terminal is wide" in screen.getvalue()
