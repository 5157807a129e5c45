"""How far a fetch is: a bar in a terminal, plain lines elsewhere."""

import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from flows.cli.output import is_interactive, size
from qamat_core.progress import listening

_SECONDS_BETWEEN: Final = 10.0
"""Plain lines of one stage come at most so often."""


@contextmanager
def showing_bytes() -> Generator[None]:
    """Show progress that is told in bytes, inside the block."""
    if not is_interactive():
        with listening(_Lines()):
            yield
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(binary_units=True),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(), transient=True) as progress:
        bar = progress.add_task("", total=None)

        def move(stage: str, done: int, total: int, metrics: Mapping[str, float]) -> None:
            del metrics
            progress.update(bar, description=stage, completed=done or None, total=total or None)

        with listening(move):
            yield


class _Lines:
    """Plain lines: one for what is newly done, and one now and then of how far it is."""

    def __init__(self) -> None:
        self._stage = ""
        self._last = 0.0

    def __call__(self, stage: str, done: int, total: int, metrics: Mapping[str, float]) -> None:
        """Print a line, unless one of the same stage was printed a moment ago."""
        del metrics
        if stage == self._stage and time.monotonic() - self._last < _SECONDS_BETWEEN:
            return
        self._stage, self._last = stage, time.monotonic()
        print(f"{stage}: {size(done)} of {size(total) if total else '?'}" if done else stage, flush=True)
