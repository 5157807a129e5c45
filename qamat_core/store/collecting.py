"""Collecting garbage: what killed runs, lost races and discarded versions left in a home is removed.

Data is placed before it is registered, so files that no registered version has are orphans, unless a job is between
the two at this moment. On one machine locks tell (``qamat_core.store.locks``): the collector waits until nobody is, and
keeps jobs from placing until it is done. What locks cannot tell, jobs of other machines, is left alone while it is
young.
"""

import re
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Literal, NamedTuple, get_args

from qamat_core.store.locks import PLACING, alone, are_seen_by_all, exclusive_if_free
from qamat_core.store.registry import now
from qamat_core.store.storage import Found, ObjectStorage, Storage
from qamat_core.store.store import Store
from schemas.artifacts import DirectoryKind
from schemas.errors import ArtifactError

ELSEWHERE: Final = timedelta(hours=24)
"""How old an orphan has to be where a job of another machine may be about to register it."""
UNFINISHED: Final = timedelta(hours=168)
"""How old the work of a stopped job has to be: until then the job, run again, goes on where it was."""
_PATIENCE: Final = 60.0
_DIRECTORIES: Final = frozenset(get_args(DirectoryKind))
_LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)
_KEY: Final = re.compile(r"([0-9a-f]{64})(\.lock)?")

Why = Literal["no version", "job done", "job stopped", "temporary", "in use", "young", "no registry"]
"""Why something is garbage, or is left alone."""
_GARBAGE: Final = frozenset({"no version", "job done", "job stopped", "temporary"})


class Item(NamedTuple):
    """A directory with files that no version has, or a job's work directory."""

    place: str
    """The home, its mirror, or its address in an object store."""
    path: str
    files: int
    bytes: int
    why: Why


@dataclass(frozen=True)
class Collected:
    """What was removed, or would be, and what was left alone."""

    removed: tuple[Item, ...]
    kept: tuple[Item, ...]

    @property
    def bytes(self) -> int:
        """Bytes of all that was removed."""
        return sum(item.bytes for item in self.removed)


@dataclass
class _Group:
    """The files and folders of one directory."""

    files: dict[str, int] = field(default_factory=dict[str, int])
    folders: list[str] = field(default_factory=list[str])
    changed: datetime = _LONG_AGO

    def add(self, found: Found) -> None:
        self.changed = max(self.changed, found.changed)
        if found.path.endswith("/"):
            self.folders.append(found.path)
        else:
            self.files[found.path] = found.bytes


def collect(store: Store, *, older_than: timedelta | None = None, dry_run: bool = False) -> Collected:
    """Remove what no version has and no running job holds.

    Args:
        store: a home.
        older_than: leave alone what was changed since; None for no time where locks tell who is at work, ``ELSEWHERE``
            where they do not, ``UNFINISHED`` for the work of jobs that were stopped.
        dry_run: remove nothing.

    Raises:
        ArtifactError: jobs went on placing files all the while that this waited for them.
        CorruptArtifactError: the registry cannot be read, so nothing tells what is in use.
    """
    with alone(store.home, _PATIENCE) as held:
        if not held:
            raise ArtifactError(f"{store.storage}: jobs are placing what they made: run it again when they are done")
        items = list(_Collector(store, older_than, dry_run).items())
    removed = tuple(item for item in items if item.why in _GARBAGE)
    return Collected(removed, tuple(item for item in items if item.why not in _GARBAGE))


@dataclass(frozen=True)
class _Collector:
    store: Store
    older_than: timedelta | None
    dry_run: bool

    def items(self) -> Iterator[Item]:
        """Look at everything, remove what is garbage, and give what is or was left alone."""
        here, guard = Storage(self.store.home), timedelta() if are_seen_by_all(self.store.home) else ELSEWHERE
        yield from self._orphans(here, guard)
        if isinstance(self.store.storage, ObjectStorage):
            yield from self._orphans(self.store.storage, ELSEWHERE)
        yield from self._work(here, guard)

    def _orphans(self, place: Storage, guard: timedelta) -> Iterator[Item]:
        """Give the directories that hold what no version has."""
        groups, used = _groups(place), self._used()  # in this order: what is listed is registered by now, or is not
        read = _read_by_jobs(self.store.home)
        for path, group in groups.items():
            orphans = group.files.keys() - used
            if group.files and not orphans:
                continue
            item = Item(str(place), path, len(orphans), sum(group.files[one] for one in orphans), "no version")
            if not used:
                yield item._replace(why="no registry")
            elif any(path == uri or path.startswith(f"{uri}/") for uri in read):
                yield item._replace(why="in use")
            elif self._young(group, guard) or not (self.dry_run or self._discard(place, path, guard)):
                yield item._replace(why="young")
            else:
                yield item

    def _discard(self, place: Storage, path: str, guard: timedelta) -> bool:
        """Remove the orphans of a directory as it is now, unless a job of another machine went on in it meanwhile."""
        group = _groups(place, path).get(path, _Group())
        orphans = sorted(group.files.keys() - self._used())
        if self._young(group, guard):
            return False
        place.discard(orphans)
        if len(orphans) == len(group.files):
            place.discard(group.folders)
        return True

    def _used(self) -> set[str]:
        return {f"{row.ref.uri}/{file.path}" for row in self.store.registry.rows() for file in row.files}

    def _work(self, here: Storage, guard: timedelta) -> Iterator[Item]:
        """Give what jobs left in the directory ``work``."""
        done = {row.ref.key for row in self.store.registry.rows()}
        names = sorted(path.name for path in (here.directory / "work").iterdir() if path.name != PLACING)
        for key in sorted({match[1] for name in names if (match := _KEY.fullmatch(name))}):
            yield from self._job(here, key, "job done" if key in done else "job stopped", guard)
        for name in names:
            if not _KEY.fullmatch(name):
                group = _group(here, f"work/{name}")
                if not self._young(group, ELSEWHERE, at_least=ELSEWHERE):
                    yield Item(str(here), f"work/{name}", len(group.files), sum(group.files.values()), "temporary")
                    self._remove(here, group)

    def _job(self, here: Storage, key: str, why: Why, guard: timedelta) -> Iterator[Item]:
        """Give a job's work directory, unless the job runs; its lock goes too."""
        lock = here.directory / "work" / f"{key}.lock"
        with exclusive_if_free(lock) if lock.exists() or not self.dry_run else nullcontext(True) as held:
            group = _group(here, f"work/{key}")
            item = Item(str(here), f"work/{key}", len(group.files), sum(group.files.values()), why)
            if not held:
                yield item._replace(why="in use")
            elif group.folders and self._young(group, guard if why == "job done" else max(guard, UNFINISHED)):
                yield item._replace(why="young")
            else:
                if group.folders:
                    yield item
                self._remove(here, group, f"work/{key}.lock")

    def _remove(self, here: Storage, group: _Group, *more: str) -> None:
        if not self.dry_run:
            here.discard([*group.files, *group.folders, *more])

    def _young(self, group: _Group, guard: timedelta, *, at_least: timedelta = timedelta()) -> bool:
        wait = max(guard if self.older_than is None else self.older_than, at_least)
        return wait > timedelta() and now() - group.changed < wait


def _read_by_jobs(home: Path) -> set[str]:
    """Return what the jobs that run now read, whether it is registered still or not: their locks tell."""
    uris: set[str] = set()
    for lock in (home / "work").glob("*.lock"):
        if _KEY.fullmatch(lock.name):
            with exclusive_if_free(lock) as free:
                uris |= set() if free else set(lock.read_text().split())
    return uris


def _group(here: Storage, path: str) -> _Group:
    group = _Group()
    for found in here.listing(path):
        group.add(found)
    return group


def _groups(place: Storage, path: str | None = None) -> dict[str, _Group]:
    """Return the directories that versions have, below a path or in all of a home."""
    groups: dict[str, _Group] = {}
    for top in [path] if path else ["tables", *sorted(_DIRECTORIES)]:
        for found in place.listing(top):
            if name := _group_of(found.path):
                groups.setdefault(name, _Group()).add(found)
    return groups


def _group_of(path: str) -> str | None:
    """Return which directory a path belongs to: the shards of one key of a table, or one version; None for another."""
    parts = path.rstrip("/").split("/")
    if parts[0] == "tables" and len(parts) >= 5 and parts[3] == "data":
        return "/".join(parts[:5])
    return "/".join(parts[:3]) if parts[0] in _DIRECTORIES and len(parts) >= 3 else None
