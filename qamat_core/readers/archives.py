"""The members of a file as byte streams: each member of a tar or zip, any other file (.gz, .bz2 too) itself.

Nothing is extracted to disk.
"""

import bz2
import gzip
import tarfile
import zipfile
import zlib
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from schemas.errors import InputError


def open_members(path: Path) -> Iterator[tuple[str, BinaryIO]]:
    """Yield (name, stream) in file order; a stream is read before the next is asked for.

    Raises:
        InputError: the file is missing, unreadable or damaged.
    """
    with _faults(path):
        if tarfile.is_tarfile(path):
            with tarfile.open(path, "r|*") as archive:
                for member in archive:
                    if member.isfile():
                        yield member.name, cast("BinaryIO", archive.extractfile(member))
        elif zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                for name in archive.namelist():
                    if not name.endswith("/"):
                        with archive.open(name) as file:
                            yield name, cast("BinaryIO", file)
        else:
            opener = {".gz": gzip.open, ".bz2": bz2.open}.get(path.suffix, open)
            with opener(path, "rb") as file:
                yield path.name, cast("BinaryIO", file)


@contextmanager
def _faults(path: Path) -> Generator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file: check the path") from error
    except (EOFError, zlib.error, gzip.BadGzipFile, tarfile.TarError, zipfile.BadZipFile) as error:
        raise InputError(f"{path}: the archive is cut off or damaged ({error}): fetch the file again") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error}): give a readable file") from error
