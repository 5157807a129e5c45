"""A flipped bit or a cut file: `artifacts verify` names it, and no run reads it silently."""

import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from qamat_core.store.store import Store
from schemas.errors import CorruptArtifactError
from schemas.tables import TABLES
from tests.faults.conftest import trials

pytestmark = pytest.mark.faults

Damage = Callable[[bytes, random.Random], bytes]


def flip(stored: bytes, chance: random.Random) -> bytes:
    """Flip one bit."""
    bit = chance.randrange(8 * len(stored))
    changed = bytearray(stored)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def cut(stored: bytes, chance: random.Random) -> bytes:
    """Cut the end off."""
    return stored[: chance.randrange(len(stored))]


def _files(home: Path) -> dict[str, list[Path]]:
    """Return the files of a home by the kind of artifact that they belong to."""
    found: dict[str, list[Path]] = {
        "registry": sorted(path for path in (home / "registry").rglob("*") if path.is_file())
    }
    for row in Store(home).registry.rows():
        found.setdefault(row.ref.kind, []).extend(home / row.ref.uri / file.path for file in row.files)
    return {kind: [path for path in paths if path.stat().st_size] for kind, paths in found.items()}


@pytest.mark.parametrize(("damage", "full"), [(flip, 200), (cut, 50)])
def test_damage_is_named_and_never_read(damage: Damage, full: int, undisturbed: Path, tmp_path: Path):
    home = shutil.copytree(undisturbed, tmp_path / "home")
    files = _files(home)
    kinds = sorted(files)
    for seed in trials(full):
        chance = random.Random(seed)
        kind = kinds[seed % len(kinds)]
        path = chance.choice(files[kind])
        stored = path.read_bytes()
        path.write_bytes(damage(stored, chance))
        named = _faults(home)
        assert any(str(path) in line for line in named), f"{path} is not named: {named}"
        if kind != "registry":
            _is_refused(home, kind, path)
        path.write_bytes(stored)
    assert not _faults(home), "what was put back is sound again"


def _faults(home: Path) -> list[str]:
    """Return what `qamat artifacts verify` says."""
    try:
        store = Store(home)
        return [fault for row in store.registry.rows() for fault in store.faults(row)]
    except CorruptArtifactError as error:  # the registry itself
        return [str(error)]


def _is_refused(home: Path, kind: str, path: Path) -> None:
    """Open the artifact that the file belongs to, as a run does."""
    store = Store(home)
    (row,) = (row for row in store.registry.rows() if any(home / row.ref.uri / file.path == path for file in row.files))
    with pytest.raises(CorruptArtifactError, match=path.name):
        store.open_shards(row.ref) if kind in TABLES else store.open_directory(row.ref)
