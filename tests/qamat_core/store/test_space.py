"""A full disk is one clear line, however the error comes."""

import errno

import pytest

from qamat_core.store.space import noticing_full_disk
from schemas.errors import CorruptArtifactError, StorageFullError


def _arrow() -> None:
    raise OSError(errno.ENOSPC, "Error writing bytes to file. Detail: [errno 28] No space left on device")


def _quota() -> None:
    raise OSError(errno.EDQUOT, "quota")


def _delta() -> None:
    raise OSError(
        "Generic LocalFileSystem error\n ↳ Unable to copy data to file\n ↳ No space left on device (os error 28)"
    )


def _beam() -> None:
    try:
        _arrow()
    except OSError as error:
        raise RuntimeError("a bundle failed") from error


def _while_mending() -> None:
    try:
        _arrow()
    except OSError:
        raise KeyError("lost")  # noqa: B904 - what happens in an except clause


@pytest.mark.parametrize("fail", [_arrow, _quota, _delta, _beam, _while_mending])
def test_a_full_disk_is_named_with_the_remedy(fail):
    with pytest.raises(StorageFullError) as told, noticing_full_disk("/the/home"):
        fail()
    assert str(told.value) == (
        "/the/home: no space left on the device; free some, then the same command goes on where it was"
    )


@pytest.mark.parametrize(
    "error", [OSError(errno.EACCES, "no"), ValueError("x"), CorruptArtifactError("No space left on device")]
)
def test_other_errors_stay_what_they_are(error: Exception):
    with pytest.raises(type(error)) as told, noticing_full_disk("/the/home"):
        raise error
    assert told.value is error
