"""How far a long computation is, and what went wrong in it: told to whoever listens (a terminal, the Prefect UI)."""

import sys
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol


class Listener(Protocol):
    """Hears of progress."""

    def __call__(self, stage: str, done: int, total: int, metrics: Mapping[str, float]) -> None:
        """Take note that ``done`` of ``total`` units of a stage are finished, with its newest metrics."""
        ...


def _silent(stage: str, done: int, total: int, metrics: Mapping[str, float]) -> None:
    del stage, done, total, metrics


def _to_stderr(line: str) -> None:
    sys.stderr.write(f"qamat: warning: {line}\n")


_listener: ContextVar[Listener] = ContextVar("progress_listener", default=_silent)
_warned: ContextVar[Callable[[str], None]] = ContextVar("progress_warned", default=_to_stderr)


def report(stage: str, done: int, total: int, metrics: Mapping[str, float] | None = None) -> None:
    """Tell the listener."""
    _listener.get()(stage, done, total, metrics or {})


def warn(line: str) -> None:
    """Tell whoever listens, standard error if nobody does, that something went wrong and was put right."""
    _warned.get()(line)


@contextmanager
def listening(listener: Listener, warned: Callable[[str], None] = _to_stderr) -> Generator[None]:
    """Let a listener hear of all progress inside the block, and ``warned`` of what went wrong."""
    tokens = _listener.set(listener), _warned.set(warned)
    try:
        yield
    finally:
        _listener.reset(tokens[0])
        _warned.reset(tokens[1])
