"""The first bytes of a file that is being fetched: they outlive the process, and one process at a time has them."""

import fcntl
import hashlib
import os
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

_CHUNK: Final = 1 << 20


class PartialFile:
    """What has come of a file, in ``NAME.part``; ``NAME.part.version`` says of which version of it."""

    def __init__(self, path: Path, file: IO[bytes]) -> None:
        self.path = path
        self.received = 0
        """Bytes written by this process."""
        self._file = file
        self._note = path.with_name(f"{path.name}.version")
        self._hash = hashlib.sha256()
        file.seek(0)
        while chunk := file.read(_CHUNK):
            self._hash.update(chunk)
        self.size = file.tell()

    @property
    def sha256(self) -> str:
        """The digest of the bytes so far."""
        return self._hash.hexdigest()

    @property
    def version(self) -> str:
        """The version that the bytes are of: the server's ETag or Last-Modified; empty where it gave none."""
        return self._note.read_text() if self._note.exists() else ""

    def restart(self, version: str) -> None:
        """Forget the bytes: those of another version are to come."""
        self._file.truncate(0)
        self._hash = hashlib.sha256()
        self.size = 0
        self._note.write_text(version)

    def write(self, chunk: bytes) -> None:
        """Append bytes."""
        self._file.write(chunk)
        self._hash.update(chunk)
        self.size += len(chunk)
        self.received += len(chunk)

    def settle(self, target: Path) -> None:
        """Give the whole file its name, once it is on the disk."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self.path.replace(target)
        self._note.unlink(missing_ok=True)
        sync_directory(target.parent)

    def discard(self) -> None:
        """Leave nothing."""
        self.path.unlink()
        self._note.unlink(missing_ok=True)


@contextmanager
def own_partial_file(target: Path, waiting: Callable[[], None]) -> Generator[PartialFile]:
    """Own what has come of a file, alone; ``waiting`` is called before another process is waited for.

    The file itself is the lock, so a killed process leaves none. An empty one is taken away at the end.
    """
    path = target.with_name(f"{target.name}.part")
    while True:
        with path.open("ab+") as file:
            _lock(file, waiting)
            if not _is_at(path, file):
                continue  # who had it before gave it its name, or discarded it
            part = PartialFile(path, file)
            try:
                yield part
            finally:
                if part.size == 0 and _is_at(path, file):
                    part.discard()
            return


def _lock(file: IO[bytes], waiting: Callable[[], None]) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        waiting()
        fcntl.flock(file, fcntl.LOCK_EX)


def _is_at(path: Path, file: IO[bytes]) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False


def sync_directory(directory: Path) -> None:
    """Bring the names in a directory to the disk."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
