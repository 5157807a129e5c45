"""A full disk: what was there stays, nothing half-made is registered, one line says what to do, and then it goes on."""

import os
import random
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from qamat_core.store.store import Store
from schemas.artifacts import ArtifactRef
from schemas.errors import StorageFullError
from tests.faults.conftest import trials
from tests.qamat_core.store import jobs

pytestmark = [
    pytest.mark.faults,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a small file system"),
]


@contextmanager
def small_disk(place: Path, kilobytes: int) -> Generator[None]:
    """Mount a file system of so many KiB in memory."""
    place.mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(place)]
    if (done := subprocess.run(mount, capture_output=True, text=True, check=False)).returncode:
        pytest.skip(f"no file system may be mounted here: {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", str(place)], check=True)


def _make(store: Store, number: int) -> list[ArtifactRef]:
    """Make a version of a table that fills some pages, and one of a directory."""
    text = "".join(random.Random(number).choices("abcdefgh", k=30_000))
    return [jobs.make_table(store, text, rows=1), jobs.make_directory(store, text[:500])]


@pytest.mark.parametrize("kilobytes", [100 + 40 * number for number in trials(10)])
def test_a_full_disk_loses_nothing(kilobytes: int, tmp_path: Path):
    disk = tmp_path / "disk"
    with small_disk(disk, kilobytes):
        store, made = Store(disk / "home"), list[list[ArtifactRef]]()
        with pytest.raises(StorageFullError, match=r"free some, then the same command goes on where it was$"):
            made.extend(_make(store, number) for number in range(kilobytes))
        registered = {str(row.ref) for row in store.registry.rows()}
        whole = {str(ref) for refs in made for ref in refs}
        assert registered >= whole, "old versions are registered"
        assert len(registered - whole) <= 1, "of the two that were made last, the second has no row"
        assert not [fault for row in store.registry.rows() for fault in store.faults(row)]
        subprocess.run(["mount", "-o", f"remount,size={kilobytes + 400}k", str(disk)], check=True)
        assert _make(store, len(made)) == _make(Store(disk / "home"), len(made)), "the version that failed is made"
        assert not [fault for row in store.registry.rows() for fault in store.faults(row)]
