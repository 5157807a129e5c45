"""Bringing files over http: resumed, patient with servers, wary of what they send."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import namedtuple
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import partial
from pathlib import Path

import httpx
import pytest

from qamat_core import transfer as transfer_module
from qamat_core.downloads import fetch
from qamat_core.progress import listening
from qamat_core.transfer import Patience
from schemas.errors import DownloadError
from tests.file_server import Answer, FileServer
from tests.qamat_core.fetching import CONTENT, DIGEST, QUICK, names, pinned, source, whole

USAGE = namedtuple("USAGE", "total used free")


def test_after_a_broken_connection_only_the_rest_is_asked_for(server: FileServer, tmp_path: Path):
    server.script = [Answer(cut=600_000)]
    got = fetch(pinned(), tmp_path, server.address, QUICK)
    assert whole(tmp_path)
    assert server.asked[1][1] == "bytes=600000-"
    assert server.sent == [600_000, 400_000]
    assert got.received == len(CONTENT)


@pytest.mark.parametrize("validator", ["etag", "modified"])
def test_a_later_call_goes_on_where_the_last_one_was(validator: str, server: FileServer, tmp_path: Path):
    if validator == "modified":
        server.etag, server.modified = 'W/"weak"', "Wed, 21 Oct 2015 07:28:00 GMT"
    server.script = [Answer(cut=600_000), *[Answer(status=500)] * 3]
    with pytest.raises(DownloadError, match="500 Internal Server Error; the same command goes on where it was"):
        fetch(pinned(), tmp_path, server.address, QUICK)
    assert names(tmp_path) == ["file.tsv.gz.part", "file.tsv.gz.part.version"]
    assert fetch(pinned(), tmp_path, server.address, QUICK).received == 400_000
    assert whole(tmp_path)


def test_a_process_that_is_killed_leaves_what_the_next_one_goes_on_from(server: FileServer, tmp_path: Path):
    server.hold = threading.Event()
    code = (
        "import sys; from pathlib import Path;"
        "from qamat_core.downloads import fetch; from schemas.sources import Source;"
        "fetch(Source.model_validate_json(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])"
    )
    arguments = [sys.executable, "-c", code, pinned().model_dump_json(), str(tmp_path), server.address]
    child = subprocess.Popen(arguments, cwd=Path(__file__).parents[2])
    part = tmp_path / "file.tsv.gz.part"
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and not (part.exists() and part.stat().st_size > 400_000):
        time.sleep(0.02)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    kept = part.stat().st_size
    server.hold.set()
    assert 400_000 < kept <= 500_000
    assert fetch(pinned(), tmp_path, server.address, QUICK).received == len(CONTENT) - kept
    assert whole(tmp_path)


def test_a_part_that_is_whole_already_is_only_checked(server: FileServer, tmp_path: Path):
    (tmp_path / "file.tsv.gz.part").write_bytes(CONTENT)
    (tmp_path / "file.tsv.gz.part.version").write_text('"v1"')
    assert fetch(pinned(), tmp_path, server.address, QUICK).received == 0
    assert whole(tmp_path)


@pytest.mark.parametrize("change", [{"etag": '"v2"'}, {"ranges": False}, {"etag": None}])
def test_another_version_or_a_server_without_ranges_starts_over(
    change: dict[str, object], server: FileServer, tmp_path: Path
):
    (tmp_path / "file.tsv.gz.part").write_bytes(b"x" * 600_000)
    (tmp_path / "file.tsv.gz.part.version").write_text('"v1"')
    for name, value in change.items():
        setattr(server, name, value)
    assert fetch(pinned(), tmp_path, server.address, QUICK).received == len(CONTENT)
    assert whole(tmp_path)


def test_a_part_of_unknown_version_is_not_trusted(server: FileServer, tmp_path: Path):
    (tmp_path / "file.tsv.gz.part").write_bytes(CONTENT[:600_000])
    fetch(pinned(), tmp_path, server.address, QUICK)
    assert server.asked == [("/file.tsv.gz", "")]
    assert whole(tmp_path)


def test_a_server_that_ends_too_early_again_and_again_is_given_up(server: FileServer, tmp_path: Path):
    server.ranges = False
    server.script = [Answer(cut=600_000)] * 9
    with pytest.raises(DownloadError, match="the same command goes on where it was, or give --mirror"):
        fetch(pinned(), tmp_path, server.address, QUICK)
    assert len(server.asked) == 1 + QUICK.attempts
    assert "file.tsv.gz" not in names(tmp_path)


@pytest.mark.parametrize("lengths", [True, False])
def test_a_wrong_size_keeps_nothing(lengths: bool, server: FileServer, tmp_path: Path):
    server.files["/file.tsv.gz"], server.lengths = CONTENT * 2, lengths
    with pytest.raises(DownloadError, match=r"1000000.*another file stands there now"):
        fetch(pinned(), tmp_path, server.address, QUICK)
    assert names(tmp_path) == []


@pytest.mark.parametrize("status", [404, 403, 410])
def test_a_refusal_is_one_line_at_once(status: int, server: FileServer, tmp_path: Path):
    server.script = [Answer(status=status)]
    with pytest.raises(DownloadError, match=rf"^{server.address}/file\.tsv\.gz: {status} .*; give --mirror") as error:
        fetch(pinned(), tmp_path, server.address, QUICK)
    assert "\n" not in str(error.value)
    assert len(server.asked) == 1
    assert names(tmp_path) == []


def test_busy_servers_are_asked_again_after_the_time_that_they_name(
    server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    waits: list[float] = []
    monkeypatch.setattr(transfer_module.time, "sleep", waits.append)
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=100), usegmt=True)
    server.script = [
        Answer(500),
        Answer(429, {"Retry-After": "7"}),
        Answer(503, {"Retry-After": soon}),
        Answer(503, {"Retry-After": "never"}),
    ]
    fetch(pinned(), tmp_path, server.address, Patience(attempts=5, first_wait=0.5))
    assert waits[:2] == [0.5, 7]
    assert 90 < waits[2] <= 100
    assert waits[3] == 4.0
    assert whole(tmp_path)


def test_a_server_that_asks_for_too_long_a_wait_is_given_up(server: FileServer, tmp_path: Path):
    server.script = [Answer(503, {"Retry-After": "86400"})]
    with pytest.raises(DownloadError, match=r"503 .* asks to wait 86400 s"):
        fetch(pinned(), tmp_path, server.address, QUICK)


def test_nobody_there_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with pytest.raises(DownloadError, match=r"127\.0\.0\.1:1/file\.tsv\.gz: .*refused.*, or give --mirror"):
        fetch(pinned(), tmp_path, "http://127.0.0.1:1", QUICK)


def test_redirects_are_followed_and_bounded_and_the_name_stays(server: FileServer, tmp_path: Path):
    server.files["/there/%2e%2e/other"] = CONTENT
    server.script = [Answer(302, {"Location": "/there/%2e%2e/other"})]
    assert fetch(pinned(), tmp_path, server.address, QUICK).path == tmp_path / "file.tsv.gz"
    assert whole(tmp_path)
    server.script = [Answer(302, {"Location": "/file.tsv.gz"})] * 9
    with pytest.raises(DownloadError, match="more than 5 redirects"):
        fetch(pinned(), tmp_path / "again", server.address, QUICK)


def test_a_redirect_to_what_is_no_http_is_refused(server: FileServer, tmp_path: Path):
    server.script = [Answer(302, {"Location": "ftp://127.0.0.1/file"})]
    with pytest.raises(DownloadError, match="sends from http to ftp://"):
        fetch(pinned(), tmp_path, server.address, QUICK)


def test_a_redirect_from_https_to_http_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    answers = httpx.MockTransport(lambda _: httpx.Response(302, headers={"Location": "http://a.example/file"}))
    monkeypatch.setattr(transfer_module.httpx, "Client", partial(httpx.Client, transport=answers))
    with pytest.raises(DownloadError, match=r"sends from https to http://a\.example/file, which anybody could change"):
        fetch(pinned(), tmp_path, None, QUICK)


def test_a_mirror_may_have_a_password_which_no_message_shows(server: FileServer, tmp_path: Path):
    mirror = server.address.replace("http://", "http://me:secret@")
    server.script = [Answer(404)]
    with pytest.raises(DownloadError, match=rf"^{server.address}/file\.tsv\.gz: 404"):
        fetch(pinned(), tmp_path, mirror, QUICK)
    fetch(pinned(), tmp_path, mirror, QUICK)
    assert server.authorization == ["Basic bWU6c2VjcmV0"] * 2


def test_a_plain_file_that_comes_packed_is_refused_a_packed_one_is_kept_as_it_is(server: FileServer, tmp_path: Path):
    server.encoding = "gzip"
    assert fetch(pinned(), tmp_path, server.address, QUICK).sha256 == DIGEST
    server.files["/file.json"] = CONTENT
    with pytest.raises(DownloadError, match=r"comes packed \(gzip\)"):
        fetch(source(file="file.json"), tmp_path, server.address, QUICK)


def test_too_little_space_is_told_before_anything_comes(
    server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: USAGE(10, 9, 1))
    with pytest.raises(DownloadError, match="1000000 bytes are to come, 1 are free; give another --to"):
        fetch(pinned(), tmp_path, server.address, QUICK)
    assert names(tmp_path) == []


def test_progress_is_told_in_bytes(server: FileServer, tmp_path: Path):
    heard: list[tuple[str, int, int]] = []
    with listening(lambda stage, done, total, _: heard.append((stage, done, total))):
        fetch(pinned(), tmp_path, server.address, QUICK)
    assert heard[-1] == ("file.tsv.gz", len(CONTENT), len(CONTENT))


def test_a_page_in_the_place_of_a_file_is_refused(server: FileServer, tmp_path: Path):
    server.kind = "text/html; charset=utf-8"
    with pytest.raises(DownloadError, match="gives a page, not the file"):
        fetch(source(), tmp_path, server.address, QUICK)
    assert names(tmp_path) == []
