"""Fetching an official source: whole and checked under its name, or not at all.

Beside ``NAME`` stands ``NAME.sha256``, in the form that ``sha256sum --check`` reads. A source without a pinned digest
is compared with that of its first fetch.
"""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx

from qamat_core.partial_file import own_partial_file, sync_directory
from qamat_core.progress import report
from qamat_core.transfer import Patience, shown, transfer
from schemas.errors import ConfigError, DownloadError
from schemas.sources import Source

_RECORD: Final = re.compile(r"([0-9a-f]{64}) [ *]\S+\n")


@dataclass(frozen=True)
class Fetched:
    """A source that is there."""

    path: Path
    size: int
    sha256: str
    received: int
    """Bytes that came now."""
    was_there: bool


def fetch(source: Source, directory: Path, mirror: str | None = None, patience: Patience | None = None) -> Fetched:
    """Bring a source into a directory, from its official address or from ``mirror``/its file's name.

    What an earlier call left in ``NAME.part`` is kept if the server still has that version. A file of that name that is
    there is checked, never replaced.

    Raises:
        ConfigError: the mirror is no http(s) address.
        DownloadError: see ``transfer``; or the file that came, or is there, is another than expected.
    """
    url = source.url if mirror is None else _under(mirror, source.file)
    target = directory / source.file
    try:
        directory.mkdir(parents=True, exist_ok=True)
        if (there := _there(source, target)) is not None:
            return there
        with own_partial_file(target, lambda: report(f"{source.file}: waits for another fetch of it", 0, 0)) as part:
            if (there := _there(source, target)) is not None:
                return there
            transfer(url, part, source.file, source.size, patience or Patience())
            wanted, origin = _wanted(source, target)
            if wanted not in (None, part.sha256):
                part.restart("")
                raise DownloadError(f"{shown(url)}: {_difference(part.sha256, wanted, origin)}; nothing of it is kept")
            _record(target, part.sha256)
            part.settle(target)
            return Fetched(target, part.size, part.sha256, part.received, was_there=False)
    except OSError as error:
        place = f"{directory}: {error.strerror}"
        raise DownloadError(
            f"{place}; mend that or give another --to; the same command goes on where it was"
        ) from error


def _under(mirror: str, file: str) -> str:
    try:
        address = httpx.URL(mirror)
    except httpx.InvalidURL as error:
        raise ConfigError(f"mirror {mirror}: {error}; give an http(s) address") from error
    if address.scheme not in ("http", "https") or not address.host:
        raise ConfigError(f"mirror {mirror}: give an http(s) address under which the files stand by their names")
    return f"{mirror.rstrip('/')}/{file}"


def _there(source: Source, target: Path) -> Fetched | None:
    """Return what is there under the file's name, if it is right; None if nothing is there."""
    if not target.exists():
        return None
    report(f"{source.file}: is there, checks it", 0, 0)
    with target.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    wanted, origin = _wanted(source, target)
    if wanted not in (None, digest):
        raise DownloadError(f"{target}: {_difference(digest, wanted, origin)}; move the file away and fetch again")
    if wanted is None:
        _record(target, digest)
    return Fetched(target, target.stat().st_size, digest, received=0, was_there=True)


def record_of(target: Path) -> Path:
    """Return where the digest of a file is written down."""
    return target.with_name(f"{target.name}.sha256")


def _wanted(source: Source, target: Path) -> tuple[str | None, str]:
    """Return the digest that the file must have, and who says so."""
    record = record_of(target)
    if source.sha256 is not None:
        return source.sha256, f"pinned: {source.pinned_from}"
    if not record.exists():
        return None, ""
    if (found := _RECORD.fullmatch(record.read_text(errors="replace"))) is None:
        raise DownloadError(f"{record}: holds no SHA-256; remove it, then the file is measured anew")
    return found[1], f"as first fetched; remove {record} to take the new one"


def _difference(digest: str, wanted: str | None, origin: str) -> str:
    return f"SHA-256 is {digest}, not {wanted} ({origin})"


def _record(target: Path, digest: str) -> None:
    record = record_of(target)
    new = record.with_name(f"{record.name}.new")
    new.write_text(f"{digest}  {target.name}\n")
    new.replace(record)
    sync_directory(target.parent)
