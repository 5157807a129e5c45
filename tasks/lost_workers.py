"""Lets Beam's embedded job service give up a job when a worker process dies.

By itself (2.77) it waits for ever for the answer: the thread that reads a worker's answers ends with the connection,
and nobody hears of it. Clusters (Flink, Spark, Dataflow) watch their workers themselves.
"""

from contextlib import suppress
from typing import Any

from apache_beam.runners.portability.fn_api_runner import worker_handlers


class _Connection(worker_handlers.ControlConnection):
    """A connection to a worker that aborts the requests left without an answer when it ends, and those made later."""

    _ended = False

    def _read(self) -> None:
        with suppress(Exception):  # gRPC's of a connection that broke has no words
            super()._read()
        self._ended = True
        for future in list(self._futures_by_id.values()):
            _abort(future)

    def push(self, req: Any) -> Any:
        """Send a request; the return value is the future of its answer."""
        future = super().push(req)
        if future is not None and self._ended:
            _abort(future)
        return future


def _abort(future: Any) -> None:
    future.abort(RuntimeError("a worker process was lost"))


def notice_lost_workers() -> None:
    """Let the job services that this process starts from now on notice it."""
    worker_handlers.ControlConnection = _Connection
