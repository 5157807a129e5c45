"""Places at which a process can be killed: whatever CPython's audit hooks hear of files, and the store's own commits.

A place is named by who asked for it, such as ``qamat_core/store/shards.py:write_shard os.rename``. Renames, links and
removals are where a home goes from one state to the next; files that other languages write (Delta logs, checkpoints of
orbax) lie between two such places, and are met by kills at random moments.
"""

import os
import signal
import sys
from collections import Counter
from pathlib import Path

PROJECT = Path(__file__).parents[2]
EVENTS = frozenset({"os.rename", "os.link", "os.remove", "shutil.rmtree", "qamat.commit", "qamat.committed"})
ROOMS = ("qamat_core", "tasks", "flows")


def place_of(event: str) -> str | None:
    """Return the place of an event that is being told: the nearest function of ours, or None if none is in sight."""
    frame = sys._getframe(2)
    while frame is not None:
        path = Path(frame.f_code.co_filename)
        if path.is_relative_to(PROJECT) and path.relative_to(PROJECT).parts[0] in ROOMS:
            return f"{path.relative_to(PROJECT)}:{frame.f_code.co_name} {event}"
        frame = frame.f_back
    return None


def die_at(place: str, time: int = 1) -> None:
    """Let this process be killed just before it does, for the n-th time, what happens at a place."""
    left = [time]

    def hear(event: str, arguments: tuple[object, ...]) -> None:
        del arguments
        if event in EVENTS and place_of(event) == place:
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hear)


def note_places(file: Path) -> None:
    """Write every place that this process comes to, as it comes to it for the first time."""
    seen: Counter[str] = Counter()

    def hear(event: str, arguments: tuple[object, ...]) -> None:
        del arguments
        if event in EVENTS and (place := place_of(event)) is not None:
            seen[place] += 1
            if seen[place] == 1:
                with file.open("a") as out:
                    out.write(f"{place}\n")

    sys.addaudithook(hear)
