"""Damage in the log of the registry is named before Delta reads it."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qamat_core.store.seals import check_seals
from qamat_core.store.store import Store
from schemas.errors import CorruptArtifactError
from tests.qamat_core.store.jobs import make_table


@pytest.fixture(scope="module")
def registered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with three registered versions."""
    home = tmp_path_factory.mktemp("sealed")
    for text in "abc":
        make_table(Store(home), text)
    Store(home).registry.rows()  # seals what was written last
    return home


def _files(home: Path, folder: str) -> list[Path]:
    return sorted(path for path in (home / "registry" / folder).iterdir() if path.is_file())


def test_every_file_of_the_log_has_a_seal(registered: Path):
    logs, seals = _files(registered, "_delta_log"), _files(registered, "_seals")
    assert len(logs) == 3
    assert [seal.name for seal in seals] == [f"{log.name}.sha256" for log in logs]


@settings(max_examples=60)
@given(st.data())
def test_a_flipped_bit_in_log_or_seal_is_named_and_nothing_is_read(registered: Path, data: st.DataObject):
    path = data.draw(st.sampled_from(_files(registered, "_delta_log") + _files(registered, "_seals")))
    stored = path.read_bytes()
    bit = data.draw(st.integers(0, 8 * len(stored) - 1))
    flipped = bytearray(stored)
    flipped[bit // 8] ^= 1 << bit % 8
    path.write_bytes(flipped)
    try:
        with pytest.raises(CorruptArtifactError, match=path.name):
            Store(registered).registry.rows()
    finally:
        path.write_bytes(stored)
    assert len(Store(registered).registry.rows()) == 3


def test_what_was_not_sealed_because_its_writer_was_killed_is_sealed_by_the_next(registered: Path):
    newest = _files(registered, "_seals")[-1]
    newest.unlink()
    assert len(Store(registered).registry.rows()) == 3
    assert newest.exists()


def test_a_table_that_is_not_there_has_nothing_to_check(tmp_path: Path):
    check_seals(tmp_path / "registry")
