"""What is said when a disk is full, whoever noticed it: Python, Arrow, Delta's Rust or a worker of Beam."""

import errno
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Final

from schemas.errors import QamatError, StorageFullError

_CODES: Final = (errno.ENOSPC, errno.EDQUOT)
_WORDS: Final = ("No space left on device", "Disk quota exceeded", "database or disk is full")
"""As the C library and SQLite say it, where an error comes without its number."""


@contextmanager
def noticing_full_disk(place: object) -> Generator[None]:
    """Let an error inside the block that comes of a full disk be one clear line.

    Raises:
        StorageFullError: names the ``place`` that is written to.
    """
    try:
        yield
    except QamatError:
        raise
    except Exception as error:
        if not any(map(is_full, _chain(error))):
            raise
        raise StorageFullError(
            f"{place}: no space left on the device; free some, then the same command goes on where it was"
        ) from error


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def is_full(error: BaseException) -> bool:
    """Say whether an error comes of a full disk, as far as it says so itself."""
    return (isinstance(error, OSError) and error.errno in _CODES) or any(word in str(error) for word in _WORDS)
