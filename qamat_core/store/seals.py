"""Seals of the registry's log: the SHA-256 of each of its files, so that damage is noticed that Delta would read over.

A row of the registry has its own digest, but which rows there are stands in the table's log, and a flipped bit there
can lose some without a word. So ``_seals/NAME.sha256`` stands beside the log for each of its files, which are written
once and never changed. Who finds a file without a seal, because its writer was killed just then, seals it.
"""

import re
from functools import cache
from pathlib import Path
from typing import Final
from uuid import uuid4

from qamat_core.store.shards import sha256_of
from schemas.errors import CorruptArtifactError

_LOG: Final = "_delta_log"
_SEALS: Final = "_seals"
_VERSION: Final = re.compile(r"\d{20}\.")
"""How the name of what is written once begins; ``_last_checkpoint`` is a hint that Delta writes anew."""


def check_seals(table: Path) -> None:
    """Compare every file of the log of a local Delta table with its seal.

    Raises:
        CorruptArtifactError: one differs; names it and the seal.
    """
    try:
        files = sorted(path for path in (table / _LOG).iterdir() if _VERSION.match(path.name))
    except FileNotFoundError:
        return
    for file in files:
        _check(file, table / _SEALS / f"{file.name}.sha256")


def _check(file: Path, seal: Path) -> None:
    try:
        changed = file.stat().st_mtime_ns
        if not seal.exists() and not _write(seal, sha256_of(file)):
            return
        sound = _agree(file, changed, seal, seal.stat().st_mtime_ns)
    except FileNotFoundError:  # a log is tidied up after a checkpoint
        return
    if not sound:
        raise CorruptArtifactError(f"{file} does not have the SHA-256 of its seal {seal}; restore the registry")


@cache
def _agree(file: Path, changed: int, seal: Path, sealed: int) -> bool:
    """Compare a file with its seal as both were when they were last changed, in ns: once in a process."""
    del changed, sealed
    return seal.read_bytes() == sha256_of(file).encode()


def _write(seal: Path, digest: str) -> bool:
    """Write a seal; say whether that went: a home that is full or may only be read can be read all the same."""
    temporary = seal.with_name(f".{uuid4().hex}.tmp")
    try:
        seal.parent.mkdir(exist_ok=True)
        temporary.write_text(digest)
        temporary.replace(seal)
    except OSError:
        temporary.unlink(missing_ok=True)
        return False
    return True
