"""Fixtures of the core's tests."""

from collections.abc import Iterator

import pytest

from tests.file_server import FileServer, serving
from tests.qamat_core.fetching import CONTENT


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FileServer]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with serving() as told:
        told.files["/file.tsv.gz"] = CONTENT
        yield told
