"""The members of an archive (tar, tar.gz, tar.bz2, zip), one stream after the other; nothing is written to disk.

A member that is no plain file or whose name leaves the archive is refused and the rest goes on; what cannot be read on
(a damaged or cut off archive, too many members, a bomb) is an ``InputError``.
"""

import io
import stat
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Final, Self

from qamat_core.readers.streams import DEFAULT_BOUNDS, Bounds, Budget, guarded, guarding, open_bytes, unpacked
from schemas.errors import InputError
from schemas.records import Reject

_TAR_ENDINGS: Final = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2")
_LONGER: Final = {".tgz": ".tar.gz", ".tbz2": ".tar.bz2"}
_PREVIEW: Final = 200

Refuse = Callable[[Reject], object]


def _refuse_all(reject: Reject) -> None:
    raise InputError(f"{reject.source}: {reject.reason}: leave the member out of the archive")


def open_members(
    path: Path, refuse: Refuse = _refuse_all, bounds: Bounds = DEFAULT_BOUNDS
) -> Iterator[tuple[str, io.BufferedReader]]:
    """Give name and stream of every member in order; a file that is no archive has one, of its own name.

    A member's stream is unpacked if the member's name ends in .gz or .bz2, and is of use until the next is asked for.
    ``refuse`` is told of every member that is refused; without it such a member is an ``InputError`` too.
    """
    name = path.name.lower()
    if name.endswith(".zip"):
        yield from _zip_members(path, refuse, bounds)
    elif name.endswith(_TAR_ENDINGS):
        yield from _tar_members(path, refuse, bounds)
    else:
        with open_bytes(path, bounds) as stream:
            yield path.name, stream


class _StrictInfo(tarfile.TarInfo):
    """A header whose damage is an error; tarfile takes it for the end of the archive after the first member."""

    @classmethod
    def fromtarfile(cls, tarfile: tarfile.TarFile) -> Self:
        try:
            info = super().fromtarfile(tarfile)
        except _EndOfArchive:
            raise
        except _HeaderError as error:
            raise _ReadError(str(error)) from error
        if info.size < 0:
            raise _ReadError("negative size")
        return info


_ReadError, _HeaderError = tarfile.ReadError, tarfile.HeaderError
_EndOfArchive = tarfile.EOFHeaderError  # pyright: ignore[reportAttributeAccessIssue] unknown to typeshed


def _tar_members(path: Path, refuse: Refuse, bounds: Bounds) -> Iterator[tuple[str, io.BufferedReader]]:
    budget = Budget(path, bounds)
    with guarding(path):
        file = path.open("rb")
    ending = "".join(_LONGER.get(suffix, suffix) for suffix in path.suffixes).lower()
    with file, unpacked(file, ending, budget) as stream:
        with guarding(path):
            archive = tarfile.TarFile.open(fileobj=stream, mode="r|", tarinfo=_StrictInfo)
        for info in _infos(archive, path, bounds):
            fault = _name_fault(info.name) or _kind_fault(info)
            if fault:
                refuse(_reject(path, info.name, fault))
                continue
            with guarding(path):
                member = archive.extractfile(info)
            if member is not None:
                yield info.name, unpacked(guarded(member, path), info.name.lower(), budget)
        while stream.read(1 << 20):  # to the end, where a packed stream has its checksum
            pass


def _infos(archive: tarfile.TarFile, path: Path, bounds: Bounds) -> Iterator[tarfile.TarInfo]:
    count = 0
    while True:
        with guarding(path):
            info = archive.next()
        if info is None:
            return
        count += 1
        _check_count(path, count, bounds)
        archive.members.clear()  # pyright: ignore[reportAttributeAccessIssue] memory stays flat
        if not info.isdir():
            yield info


def _kind_fault(info: tarfile.TarInfo) -> str:
    if info.issym() or info.islnk():
        return "the member is a link"
    return "" if info.isreg() and not info.issparse() else "the member is no plain file"


def _zip_members(path: Path, refuse: Refuse, bounds: Bounds) -> Iterator[tuple[str, io.BufferedReader]]:
    budget = Budget(path, bounds)
    with guarding(path):
        archive = zipfile.ZipFile(path)
    with archive:
        infos = archive.infolist()
        _check_count(path, len(infos), bounds)
        for info in infos:
            if info.is_dir():
                continue
            fault = _name_fault(info.filename) or _zip_fault(info)
            if fault:
                refuse(_reject(path, info.filename, fault))
                continue
            with guarding(path):
                member = archive.open(info)
            yield info.filename, unpacked(guarded(member, path, budget), info.filename.lower(), budget)


def _zip_fault(info: zipfile.ZipInfo) -> str:
    mode = info.external_attr >> 16
    if stat.S_ISLNK(mode):
        return "the member is a link"
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        return "the member is no plain file"
    return "the member is encrypted" if info.flag_bits & 1 else ""


def _check_count(path: Path, count: int, bounds: Bounds) -> None:
    if count > bounds.members:
        raise InputError(f"{path}: more than {bounds.members} members: split the archive")


def _name_fault(name: str) -> str:
    """Return why a member's name is not taken, or nothing."""
    if PurePosixPath(name).is_absolute() or PureWindowsPath(name).anchor:
        return "the member's name is absolute"
    return "the member's name leaves the archive" if ".." in PureWindowsPath(name).parts else ""


def _reject(path: Path, member: str, reason: str) -> Reject:
    name = member.encode(errors="replace").decode()[:_PREVIEW]
    return Reject(f"{path.name}/{name}", name, reason)
