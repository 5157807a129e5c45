"""A pickle that runs code, planted in the place of the files of an artifact as somebody would who can write a home."""

import io
import pickle  # noqa: TID251 - what is refused has to be made
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from qamat_core.store.registry import RegistryRow
from qamat_core.store.shards import FileEntry, sha256_of
from qamat_core.store.store import Store


class Bomb:
    """Whoever unpickles it makes a file."""

    def __init__(self, sign: Path) -> None:
        self.sign = sign

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.sign,)


def payloads(sign: Path) -> Iterator[bytes]:
    """Give a pickle as it stands in a file of its own, and as an array of objects in numpy's format."""
    yield pickle.dumps(Bomb(sign))
    array, file = np.empty(2, object), io.BytesIO()
    array[:] = [Bomb(sign), Bomb(sign)]
    np.save(file, array, allow_pickle=True)
    yield file.getvalue()


def plant(home: Path, row: RegistryRow, file: FileEntry, payload: bytes) -> None:
    """Put a payload in the place of a file and register its digest, so that the store finds nothing amiss."""
    path = home / row.ref.uri / file.path
    path.write_bytes(payload)
    changed = file.model_copy(update={"sha256": sha256_of(path), "bytes": len(payload)})
    files = tuple(changed if one.path == file.path else one for one in row.files)
    registry = Store(home).registry
    registry.remove([row.ref.key])
    registry.append([row.model_copy(update={"files": files})])


def copied(home: Path, target: Path) -> Path:
    """Give a copy of a home without what its jobs left."""
    return shutil.copytree(home, target, ignore=shutil.ignore_patterns("work"))
