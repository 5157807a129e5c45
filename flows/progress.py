"""Who is told how far a flow is: a terminal, plain lines, the Prefect UI."""

import os
import sys
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol
from uuid import UUID

from prefect.artifacts import create_progress_artifact, update_progress_artifact
from prefect.logging import get_run_logger
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

SECONDS_BETWEEN = 10.0
"""Plain lines and artifacts come at most so often."""


class Teller(Protocol):
    """Tells people what happens."""

    def begin(self, step: str) -> None:
        """A step begins."""
        ...

    def __call__(self, stage: str, done: int, total: int, metrics: Mapping[str, float]) -> None:
        """A stage of the step is so far."""
        ...

    def warn(self, text: str) -> None:
        """Something went wrong and was put right."""
        ...

    def line(self, text: str) -> None:
        """Something is to be known before the steps begin."""
        ...

    def end(self, step: str, outcome: str) -> None:
        """A step has ended; ``outcome`` says how, in a few words."""
        ...


class LineTeller:
    """Plain lines: one at the end of a step, and one now and then in between."""

    def __init__(self) -> None:
        self._step = ""
        self._last = time.monotonic()

    def begin(self, step: str) -> None:
        """Remember the step."""
        self._step = step
        self._last = time.monotonic()

    def __call__(self, stage: str, done: int, total: int, metrics: Mapping[str, float]) -> None:
        """Print how far it is, unless something was printed a moment ago."""
        if time.monotonic() - self._last >= SECONDS_BETWEEN:
            self._last = time.monotonic()
            self.line(f"{self._step}: {stage} {done}/{total}{_figures(metrics)}")

    def warn(self, text: str) -> None:
        """Print it where errors are printed."""
        print(f"qamat: warning: {text}", file=sys.stderr, flush=True)

    def end(self, step: str, outcome: str) -> None:
        """Print the outcome."""
        self.line(f"{step}: {outcome}")

    def line(self, text: str) -> None:
        """Print one line."""
        print(text, flush=True)


class LogTeller(LineTeller):
    """Plain lines in the log of the run: in the Prefect UI and in a worker's output."""

    def line(self, text: str) -> None:
        """Log one line."""
        get_run_logger().info(text)

    def warn(self, text: str) -> None:
        """Log it as a warning."""
        get_run_logger().warning(text)


class TerminalTeller:
    """A bar for the stage that runs, below one line for each step that has ended."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._bars: dict[str, TaskID] = {}

    def begin(self, step: str) -> None:
        """Show the step with an unknown length."""
        self._clear()
        self._bars[""] = self._progress.add_task(step, total=None)

    def __call__(self, stage: str, done: int, total: int, metrics: Mapping[str, float]) -> None:
        """Move the stage's bar."""
        if stage not in self._bars:
            self._clear()
            self._bars[stage] = self._progress.add_task(stage)
        self._progress.update(self._bars[stage], completed=done, total=total, figures=_figures(metrics))

    def warn(self, text: str) -> None:
        """Print it above the bars."""
        self._progress.console.print(f"[yellow]warning:[/] {escape(text)}", highlight=False, soft_wrap=True)

    def line(self, text: str) -> None:
        """Print it above the bars."""
        self._progress.console.print(escape(text), highlight=False, soft_wrap=True)

    def end(self, step: str, outcome: str) -> None:
        """Replace the bars by a line."""
        self._clear()
        self._progress.console.print(f"[green]✓[/] {step}: {outcome}", highlight=False)

    def _clear(self) -> None:
        for bar in self._bars.values():
            self._progress.remove_task(bar)
        self._bars = {}


class ArtifactTeller:
    """A progress artifact for each stage, in the Prefect UI."""

    def __init__(self) -> None:
        self._artifacts: dict[str, tuple[UUID, float]] = {}
        self._short: dict[str, int] = {}
        """How much there is of the stages that are not told to be finished."""

    def begin(self, step: str) -> None:
        """Nothing to show yet."""
        del step

    def __call__(self, stage: str, done: int, total: int, metrics: Mapping[str, float]) -> None:
        """Make or move the stage's artifact."""
        percent = 100.0 * done / max(total, 1)
        self._short[stage] = total
        if done >= total:
            del self._short[stage]
        known = self._artifacts.get(stage)
        if known and done < total and time.monotonic() - known[1] < SECONDS_BETWEEN:
            return
        text = f"{stage}: {done} of {total}{_figures(metrics)}"
        if known:
            update_progress_artifact(known[0], percent, description=text)
            self._artifacts[stage] = (known[0], time.monotonic())
        else:
            made = create_progress_artifact(percent, key=_slug(stage), description=text)
            assert isinstance(made, UUID), "called outside an event loop"
            self._artifacts[stage] = (made, time.monotonic())

    def end(self, step: str, outcome: str) -> None:
        """Move to their end the stages of which nobody told it: the step is done."""
        del step, outcome
        for stage, total in self._short.items():
            update_progress_artifact(self._artifacts[stage][0], 100.0, description=f"{stage}: {total} of {total}")


_console: ContextVar[Teller | None] = ContextVar("console", default=None)


def console_teller() -> Teller:
    """Return who tells the people at this process: its terminal if it has one, else the log of the run."""
    return _console.get() or LogTeller()


@contextmanager
def on_terminal() -> Generator[None]:
    """Show progress on this terminal inside the block; as plain lines if it is none, or if ``CI`` is set."""
    if not sys.stdout.isatty() or os.environ.get("CI", "").lower() in ("1", "true"):
        with _telling(LineTeller()):
            yield
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[figures]}", style="dim"),
    )
    with Progress(*columns, console=Console(), transient=True) as progress, _telling(TerminalTeller(progress)):
        yield


@contextmanager
def _telling(teller: Teller) -> Generator[None]:
    token = _console.set(teller)
    try:
        yield
    finally:
        _console.reset(token)


def _figures(metrics: Mapping[str, float]) -> str:
    shown = ", ".join(f"{name} {value:.3g}" for name, value in metrics.items() if name != "step")
    return f" ({shown})" if shown else ""


def _slug(text: str) -> str:
    return "".join(letter if letter.isalnum() else "-" for letter in text.lower())
