"""How far a long computation is: told to whoever listens (a terminal, the Prefect UI)."""

from collections.abc import Generator, Mapping
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


_listener: ContextVar[Listener] = ContextVar("progress_listener", default=_silent)


def report(stage: str, done: int, total: int, metrics: Mapping[str, float] | None = None) -> None:
    """Tell the listener."""
    _listener.get()(stage, done, total, metrics or {})


@contextmanager
def listening(listener: Listener) -> Generator[None]:
    """Let a listener hear of all progress inside the block."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)
