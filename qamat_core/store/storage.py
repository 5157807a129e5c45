"""Where a home lies: a directory, or an object store (s3, gs, az) with a directory that mirrors it.

Jobs read and write files of a directory. An object store gets what is committed before its registry row is written, and
its files are fetched into the mirror when they are first opened; Delta tables are read and committed at their address.
Credentials and endpoints come from the variables of the Rust object stores, which deltalake reads too
(``AWS_ACCESS_KEY_ID``, ``AWS_ENDPOINT_URL``, ``GOOGLE_APPLICATION_CREDENTIALS``, ``AZURE_STORAGE_ACCOUNT_NAME`` ...).
"""

import hashlib
import os
import re
import shutil
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache, cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final, NamedTuple
from uuid import uuid4

import obstore
from obstore.exceptions import BaseError
from obstore.store import ObjectStore, from_url

from schemas.errors import ArtifactError, ConfigError

if TYPE_CHECKING:
    from obstore.store import RetryConfig

_ADDRESS: Final = re.compile(r"(s3|gs|az)://[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*")
_PATIENCE: Final["RetryConfig"] = {"max_retries": 1, "retry_timeout": timedelta(seconds=10)}


class Found(NamedTuple):
    """A file of a home, or a folder, whose path ends in a slash."""

    path: str
    bytes: int
    changed: datetime
    """When it was last written, linked or moved."""


@dataclass(frozen=True)
class Storage:
    """A home in a directory; paths of files are relative to it, with slashes."""

    directory: Path

    def __str__(self) -> str:
        return str(self.directory)

    def address(self, path: str) -> str:
        """Return where deltalake finds the table at ``path``."""
        return str(self.directory / path)

    def exists(self) -> bool:
        """Say whether a home is there, as far as that is known without writing."""
        return self.directory.is_dir()

    def probe(self) -> None:
        """Find out whether what lies elsewhere can be reached."""

    def send(self, paths: Iterable[str]) -> None:
        """Put files of the directory where other machines find them."""

    def fetch(self, paths: Iterable[str], *, anew: bool = False) -> None:
        """Bring files into the directory that it lacks, or all of them ``anew``; what is nowhere stays as it is."""

    @contextmanager
    def originals(self, paths: Iterable[str]) -> Generator[Path]:
        """Give a directory in which these files lie as they are where they belong."""
        del paths
        yield self.directory

    def remove(self, path: str) -> None:
        """Remove a directory with all its files."""
        shutil.rmtree(self.directory / path)

    def listing(self, path: str) -> Iterator[Found]:
        """Give every file below a directory, and each folder after what is in it; what vanishes is no matter."""
        folder = self.directory / path
        try:
            for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
                if entry.is_dir(follow_symlinks=False):
                    yield from self.listing(f"{path}/{entry.name}")
                else:
                    with suppress(FileNotFoundError):
                        yield _found(f"{path}/{entry.name}", entry.stat(follow_symlinks=False))
            yield _found(f"{path}/", folder.stat())
        except NotADirectoryError:
            yield _found(path, folder.stat())
        except FileNotFoundError:
            return

    def discard(self, paths: Iterable[str]) -> None:
        """Remove files, and folders (a slash stands at their end) that are empty; what is gone already is no matter.

        Raises:
            ArtifactError: one cannot be removed.
        """
        for path in paths:
            try:
                (self.directory / path).rmdir() if path.endswith("/") else (self.directory / path).unlink()
            except FileNotFoundError:
                pass
            except OSError as error:
                raise ArtifactError(f"{self.directory / path}: not removed ({error.strerror}); run it again") from error


@dataclass(frozen=True)
class ObjectStorage(Storage):
    """A home in an object store; ``directory`` is its mirror on this machine."""

    url: str

    def __str__(self) -> str:
        return self.url

    def address(self, path: str) -> str:
        """Return where deltalake finds the table at ``path``."""
        return f"{self.url}/{path}"

    def exists(self) -> bool:
        """Say yes: a place in an object store needs no making."""
        return True

    def send(self, paths: Iterable[str]) -> None:
        """Upload files of the mirror.

        Raises:
            ArtifactError: the object store refuses.
        """
        for path in paths:
            try:
                obstore.put(self._store, path, self.directory / path)
            except (BaseError, OSError) as error:
                raise ArtifactError(f"{self.url}/{path}: not written ({_first_line(error)}); run it again") from error

    def fetch(self, paths: Iterable[str], *, anew: bool = False) -> None:
        """Download files that the mirror lacks, or all of them ``anew``; what is nowhere stays as it is.

        Raises:
            ArtifactError: the object store does not answer.
        """
        for path in paths:
            if anew or not (self.directory / path).exists():
                self._download(path, self.directory / path)

    @contextmanager
    def originals(self, paths: Iterable[str]) -> Generator[Path]:
        """Give a directory into which these files were downloaded; the mirror stays as it is."""
        with TemporaryDirectory(dir=self.directory / "work") as directory:
            for path in paths:
                self._download(path, Path(directory) / path)
            yield Path(directory)

    def remove(self, path: str) -> None:
        """Remove a directory with all its files, from the mirror and the object store."""
        super().remove(path)
        for found in obstore.list(self._store, prefix=path):
            obstore.delete(self._store, [file["path"] for file in found])

    def listing(self, path: str) -> Iterator[Found]:
        """Give every object below a path; there are no folders."""
        for found in obstore.list(self._store, prefix=path):
            for file in found:
                yield Found(file["path"], file["size"], file["last_modified"])

    def discard(self, paths: Iterable[str]) -> None:
        """Remove objects; what is gone already is no matter.

        Raises:
            ArtifactError: the object store refuses.
        """
        for path in paths:
            try:
                obstore.delete(self._store, path)
            except FileNotFoundError:
                pass
            except (BaseError, OSError) as error:
                raise ArtifactError(f"{self.url}/{path}: not removed ({_first_line(error)}); run it again") from error

    def probe(self) -> None:
        """Ask the object store for something, once in the life of a process.

        Raises:
            ConfigError: it does not answer, or refuses.
        """
        _probe(self.url)

    @cached_property
    def _store(self) -> ObjectStore:
        return from_url(self.url)

    def _download(self, path: str, target: Path) -> None:
        """Put an object, if there is one, in the place of a file."""
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_name(f".{uuid4().hex}.tmp")
        try:
            with temporary.open("wb") as file:
                for chunk in obstore.get(self._store, path):
                    file.write(chunk)
            temporary.replace(target)
        except FileNotFoundError:
            pass
        except (BaseError, OSError) as error:
            raise ArtifactError(f"{self.url}/{path}: not read ({_first_line(error)}); run it again") from error
        finally:
            temporary.unlink(missing_ok=True)


def open_storage(home: str | Path) -> Storage:
    """Return the storage of a home: a directory, or an address in an object store.

    Raises:
        ConfigError: the address has another scheme, or characters that not every object store takes.
    """
    if "://" not in str(home):
        return Storage(Path(home).absolute())
    url = str(home).rstrip("/")
    if not _ADDRESS.fullmatch(url):
        raise ConfigError(
            f"QAMAT_HOME {url}: give a directory, or s3://BUCKET/PATH (or gs, az) of letters, digits and ._-"
        )
    name = hashlib.sha256(url.encode()).hexdigest()[:16]
    return ObjectStorage(_mirrors() / name, url)


def _found(path: str, status: os.stat_result) -> Found:
    """A link changes ctime alone, and so does a move."""
    return Found(path, status.st_size, datetime.fromtimestamp(max(status.st_mtime, status.st_ctime), UTC))


@cache
def _probe(url: str) -> None:
    try:
        next(iter(obstore.list(from_url(url, retry_config=_PATIENCE), prefix="registry", chunk_size=1)), None)
    except (BaseError, OSError, ValueError) as error:
        raise ConfigError(
            f"QAMAT_HOME {url}: {_first_line(error)}; check the address and the variables with its credentials"
        ) from error


def _mirrors() -> Path:
    """Return the directory of all mirrors: ``QAMAT_MIRRORS``, else in the user's cache."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("QAMAT_MIRRORS") or Path(cache) / "qamat").absolute()


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
