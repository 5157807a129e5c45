"""Fetching files: resumed, checked, whole under its name or not at all."""

import errno
import os
import re
import subprocess
import threading
from pathlib import Path

import pytest
from pydantic import ValidationError

from qamat_core.downloads import fetch
from qamat_core.partial_file import PartialFile
from qamat_core.progress import listening
from schemas.errors import ConfigError, DownloadError
from tests.file_server import Answer, FileServer
from tests.qamat_core.fetching import CONTENT, DIGEST, QUICK, names, pinned, source, whole


def test_a_file_comes_whole_with_its_digest_beside_it(server: FileServer, tmp_path: Path):
    got = fetch(pinned(), tmp_path / "new" / "folder", server.address, QUICK)
    assert (got.size, got.sha256, got.received, got.was_there) == (len(CONTENT), DIGEST, len(CONTENT), False)
    assert whole(tmp_path / "new" / "folder")
    subprocess.run(["sha256sum", "--check", "file.tsv.gz.sha256"], cwd=got.path.parent, check=True, capture_output=True)


def test_what_is_there_and_right_is_left_as_it_is(server: FileServer, tmp_path: Path):
    fetch(pinned(), tmp_path, server.address, QUICK)
    assert fetch(pinned(), tmp_path, server.address, QUICK).was_there
    assert len(server.asked) == 1


def test_what_is_there_and_wrong_is_refused_and_not_replaced(server: FileServer, tmp_path: Path):
    (tmp_path / "file.tsv.gz").write_bytes(b"mine")
    with pytest.raises(DownloadError, match=rf"file\.tsv\.gz: SHA-256 is .*, not {DIGEST} .*; move the file away"):
        fetch(pinned(), tmp_path, server.address, QUICK)
    assert (tmp_path / "file.tsv.gz").read_bytes() == b"mine"
    assert server.asked == []


def test_a_wrong_digest_keeps_nothing(server: FileServer, tmp_path: Path):
    server.files["/file.tsv.gz"] = CONTENT[:-1] + b"?"
    with pytest.raises(DownloadError, match=rf"not {DIGEST} \(pinned: this test\); nothing of it is kept"):
        fetch(pinned(), tmp_path, server.address, QUICK)
    assert names(tmp_path) == []


def test_a_cut_body_without_a_length_is_told_by_its_digest(server: FileServer, tmp_path: Path):
    server.lengths, server.script = False, [Answer(cut=600_000)]
    with pytest.raises(DownloadError, match="nothing of it is kept"):
        fetch(pinned(), tmp_path, server.address, QUICK)
    assert names(tmp_path) == []


def test_a_source_without_a_pin_is_compared_with_its_first_fetch(server: FileServer, tmp_path: Path):
    assert fetch(source(), tmp_path, server.address, QUICK).sha256 == DIGEST
    assert fetch(source(), tmp_path, server.address, QUICK).was_there
    (tmp_path / "file.tsv.gz").unlink()
    server.files["/file.tsv.gz"] = b"a new version"
    with pytest.raises(DownloadError, match=r"as first fetched; remove .*file\.tsv\.gz\.sha256 to take the new one"):
        fetch(source(), tmp_path, server.address, QUICK)
    assert names(tmp_path) == ["file.tsv.gz.sha256"]
    (tmp_path / "file.tsv.gz.sha256").write_text("?")
    with pytest.raises(DownloadError, match="holds no SHA-256; remove it"):
        fetch(source(), tmp_path, server.address, QUICK)
    (tmp_path / "file.tsv.gz.sha256").unlink()
    assert fetch(source(), tmp_path, server.address, QUICK).size == len(b"a new version")


def test_a_disk_that_is_full_keeps_what_came(server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    write = PartialFile.write

    def full(part: PartialFile, chunk: bytes) -> None:
        if part.size > 500_000:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write(part, chunk)

    monkeypatch.setattr(PartialFile, "write", full)
    with pytest.raises(DownloadError, match="No space left on device; mend that"):
        fetch(pinned(), tmp_path, server.address, QUICK)
    monkeypatch.setattr(PartialFile, "write", write)
    assert fetch(pinned(), tmp_path, server.address, QUICK).received < 500_000
    assert whole(tmp_path)


def test_two_fetches_of_one_file_bring_it_once(server: FileServer, tmp_path: Path):
    server.hold = threading.Event()
    waiting = threading.Event()
    got: list[bool] = []

    def one() -> None:
        def listen(stage: str, *_: object) -> None:
            if "waits for another fetch" in stage:
                waiting.set()

        with listening(listen):
            got.append(fetch(pinned(), tmp_path, server.address, QUICK).was_there)

    threads = [threading.Thread(target=one) for _ in range(2)]
    for thread in threads:
        thread.start()
    assert waiting.wait(20)
    server.hold.set()
    for thread in threads:
        thread.join(20)
    assert sorted(got) == [False, True]
    assert len(server.asked) == 1
    assert whole(tmp_path)


@pytest.mark.parametrize("mirror", ["file:///etc", "ftp://mirror", "mirror/path", "http://", "http://a:b/"])
def test_a_mirror_that_is_no_address_is_refused(mirror: str, tmp_path: Path):
    with pytest.raises(ConfigError, match=f"mirror {re.escape(mirror)}: .*give an http"):
        fetch(pinned(), tmp_path, mirror, QUICK)


@pytest.mark.parametrize("file", ["../file", "a/b", ".hidden", "", "a\\b"])
def test_a_source_cannot_name_a_file_elsewhere(file: str):
    with pytest.raises(ValidationError, match="file"):
        source(file=file)


def test_a_folder_that_cannot_be_made_is_one_line(server: FileServer, tmp_path: Path):
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(DownloadError, match=r"taken: File exists; mend that or give another --to"):
        fetch(pinned(), tmp_path / "taken", server.address, QUICK)
