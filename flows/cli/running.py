"""What commands share that run a flow: a server, progress, a count of the steps, and a word when stopped."""

import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flows.steps import Tally


@contextmanager
def running(home: str) -> "Generator[Tally]":
    """Let flows run inside the block; gives the count of their steps."""
    from flows.runtime import prefect_session

    try:
        with prefect_session(home):
            from flows.progress import on_terminal
            from flows.steps import counting

            with on_terminal(), counting() as tally:
                yield tally
    except BaseException as error:
        if not _interrupted(error):
            raise
        print("qamat: stopped; the same command goes on where it was", file=sys.stderr)
        raise KeyboardInterrupt from None


def _interrupted(error: BaseException | None) -> bool:
    """Say whether an error is an interrupt, or came up while one was dealt with.

    Prefect's engine fails with a ValueError where Ctrl-C meets it between two tasks.
    """
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__context__
    return error is not None
