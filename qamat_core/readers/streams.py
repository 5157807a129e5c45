"""The bytes of a file, unpacked if its name ends in .gz or .bz2: within bounds, and every fault an ``InputError``.

A fault shows where the bytes are read, so the stream itself turns what the libraries raise into one clear line.
"""

import bz2
import gzip
import io
import lzma
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, cast

from schemas.errors import InputError

BUFFER_BYTES: Final = 1 << 16
"""What ``peek`` of a stream gives, unless the stream is shorter."""

_DAMAGE = (
    EOFError,
    zlib.error,
    lzma.LZMAError,
    tarfile.TarError,
    zipfile.BadZipFile,
    struct.error,
    ValueError,
    OverflowError,
    RecursionError,
    RuntimeError,
)
"""What the libraries raise for bytes that are not what they say."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much a packed file or an archive may hold; beyond it the file is refused."""

    members: int = 100_000
    unpacked_bytes: int = 1 << 40
    """At most so many bytes come out of one file (1 TiB)."""
    ratio: int = 200
    """At most so many bytes come out for one that goes in, beyond the first ``free_bytes``. Text packs to a third or
    a tenth; gzip ends at 1,032."""
    free_bytes: int = 1 << 26


DEFAULT_BOUNDS: Final = Bounds()


@contextmanager
def guarding(path: Path) -> Generator[None]:
    """Turn what is raised inside the block into an ``InputError`` that names the file and the remedy."""
    try:
        yield
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file: check the path") from error
    except OSError as error:
        if error.errno is None:  # gzip and bz2 say so that the data are damaged
            raise _damaged(path, error) from error
        raise InputError(f"{path}: cannot be read ({error.strerror}): give a readable file") from error
    except _DAMAGE as error:
        raise _damaged(path, error) from error


def _damaged(path: Path, error: Exception) -> InputError:
    reason = str(error).splitlines() or [type(error).__name__]
    return InputError(f"{path}: the file is cut off or damaged ({reason[0]}): fetch it again")


class Budget:
    """Counts what comes out of one packed file; raises ``InputError`` beyond its bounds."""

    def __init__(self, path: Path, bounds: Bounds) -> None:
        with guarding(path):
            packed = path.stat().st_size
        self.path = path
        self._limit = min(bounds.unpacked_bytes, bounds.free_bytes + bounds.ratio * packed)
        self._spent = 0

    def spend(self, count: int) -> None:
        """Take note of so many more bytes."""
        self._spent += count
        if self._spent > self._limit:
            raise InputError(f"{self.path}: unpacks to more than {self._limit} bytes, too many for its size: unpack it")


class _Guarded(io.RawIOBase):
    """Reads another stream under ``guarding``; fills a buffer whole, so that chunks do not depend on the packing."""

    def __init__(self, file: IO[bytes], path: Path, budget: Budget | None) -> None:
        self._file = file
        self._path = path
        self._budget = budget

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # pyright: ignore[reportIncompatibleMethodOverride] narrower
        filled = 0
        with guarding(self._path):
            while filled < len(buffer) and (piece := self._file.read(len(buffer) - filled)):
                buffer[filled : filled + len(piece)] = piece
                filled += len(piece)
        if self._budget is not None:
            self._budget.spend(filled)
        return filled


def guarded(file: IO[bytes], path: Path, budget: Budget | None = None) -> io.BufferedReader:
    """Return a stream whose faults are those of ``path``; with a budget its bytes are counted."""
    return io.BufferedReader(_Guarded(file, path, budget), BUFFER_BYTES)


def unpacked(file: IO[bytes], name: str, budget: Budget) -> io.BufferedReader:
    """Return the bytes of a stream called ``name``, unpacked by its ending (.gz, .bz2, else as they are)."""
    if name.endswith(".gz"):
        return guarded(cast("IO[bytes]", gzip.GzipFile(fileobj=file)), budget.path, budget)
    if name.endswith(".bz2"):
        return guarded(cast("IO[bytes]", bz2.BZ2File(file)), budget.path, budget)
    return guarded(file, budget.path)


@contextmanager
def open_bytes(path: Path, bounds: Bounds = DEFAULT_BOUNDS) -> Generator[io.BufferedReader]:
    """Open a file, unpacked by its ending; what is missing, unreadable, damaged or a bomb is an ``InputError``."""
    budget = Budget(path, bounds)
    with guarding(path):
        file = path.open("rb")
    with file:
        yield unpacked(file, path.name.lower(), budget)
