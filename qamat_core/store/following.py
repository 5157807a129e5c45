"""Of several processes that do one piece of work together, the first makes the artifacts and the others follow it."""

import time
from collections.abc import Callable
from typing import Final, TypeVar

T = TypeVar("T")

_PAUSE: Final = 0.2
_state = {"index": 0}


def set_process(index: int) -> None:
    """Say which of the processes this one is; 0 is the first."""
    _state["index"] = index


def follows() -> bool:
    """Say whether another process makes the artifacts."""
    return _state["index"] > 0


def wait_for(look: Callable[[], T | None]) -> T:
    """Return what ``look`` finds once the first process has made it."""
    while (found := look()) is None:
        time.sleep(_PAUSE)
    return found
