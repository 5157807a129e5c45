"""Locks of a home: files in its ``work`` directory that the operating system locks, and frees when a process dies.

Every job has one, ``work/KEY.lock``, which it holds while it runs; what it reads is named in it. One more,
``work/placing.lock``, keeps the collector of garbage (``qamat_core.store.collecting``) out: who puts files in their
place shares it until they are registered, and who collects has it alone.
"""

import fcntl
import os
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

PLACING: Final = "placing.lock"
_PAUSE: Final = 0.02

_LOCAL: Final = frozenset({"ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "f2fs", "bcachefs", "tmpfs", "overlay"})
"""File systems of one machine: all processes that write there see each other's locks."""


@contextmanager
def exclusive(path: Path) -> Generator[None]:
    """Hold a lock alone; wait for it. The file may be removed by who holds it."""
    while True:
        with path.open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            if _stands_at(file, path):
                yield
                return


@contextmanager
def exclusive_if_free(path: Path) -> Generator[bool]:
    """Hold a lock alone if nobody holds it; say whether it is held."""
    with path.open("a") as file:
        yield _taken(file) and _stands_at(file, path)


@contextmanager
def placing(home: Path) -> Generator[None]:
    """Keep the collector out of a home, together with others that do."""
    with (home / "work" / PLACING).open("a") as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        yield


@contextmanager
def alone(home: Path, patience: float) -> Generator[bool]:
    """Keep everyone out of a home who puts files in their place; wait so many seconds, then say that it is not held."""
    with (home / "work" / PLACING).open("a") as file:
        end = time.monotonic() + patience
        while not (held := _taken(file)) and time.monotonic() < end:
            time.sleep(_PAUSE)
        yield held


def are_seen_by_all(directory: Path) -> bool:
    """Say whether a directory is on a file system of this machine alone, as far as that is known."""
    try:
        mounts = [line.split()[1:3] for line in Path("/proc/mounts").read_text().splitlines()]
    except OSError:
        return False
    around = [(len(place), kind) for place, kind in mounts if directory.resolve().is_relative_to(place)]
    return bool(around) and max(around)[1] in _LOCAL


def _taken(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _stands_at(file: IO[str], path: Path) -> bool:
    """Say whether an open file is still the one at a path: who held the lock before may have removed it."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False
