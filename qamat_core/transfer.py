"""Bringing a file over http(s), through broken connections and busy servers, from where it broke off."""

import shutil
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Final

import httpx

from qamat_core.partial_file import PartialFile
from qamat_core.progress import report
from schemas.errors import DownloadError

_REDIRECTS: Final = 5
_BUSY: Final = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})
_PACKED: Final = (".gz", ".tgz", ".bz2", ".zip")


@dataclass(frozen=True)
class Patience:
    """How long a server is waited for."""

    attempts: int = 6
    """So many in a row may bring nothing new."""
    first_wait: float = 1.0
    """Seconds before the second attempt; every further wait is twice as long."""
    longest_wait: float = 600.0
    """A server that asks for a longer wait is given up."""
    timeout: float = 60.0
    """Seconds of silence after which a connection counts as broken."""


class _TryAgainError(Exception):
    """The server may give the file, or the rest of it, when it is asked again."""

    def __init__(self, reason: str, wait: float = 0.0) -> None:
        super().__init__(reason)
        self.wait = wait


def transfer(url: str, part: PartialFile, name: str, size: int | None, patience: Patience) -> None:
    """Bring what is missing of a file; ``size`` is the expected one in bytes, ``name`` tells the progress.

    Raises:
        DownloadError: refused, given up, another size than expected, or no space for it.
    """
    furthest, fruitless = part.size, 0
    timeout = httpx.Timeout(patience.timeout)
    with httpx.Client(timeout=timeout, headers={"User-Agent": "qamat", "Accept-Encoding": "identity"}) as client:
        while True:
            try:
                return _attempt(client, url, part, name, size)
            except (httpx.TransportError, _TryAgainError) as error:
                fruitless = 0 if part.size > furthest else fruitless + 1
                furthest = max(furthest, part.size)
                asked = error.wait if isinstance(error, _TryAgainError) else 0.0
                wait = max(asked, patience.first_wait * 2 ** max(fruitless - 1, 0))
                if fruitless >= patience.attempts or wait > patience.longest_wait:
                    raise DownloadError(_given_up(url, error, asked)) from error
                report(f"{name}: {_reason(error)}; again in {wait:.0f} s", 0, 0)
                time.sleep(wait)


def shown(url: str) -> str:
    """Return an address as messages name it: without a password."""
    return str(httpx.URL(url).copy_with(userinfo=b""))


def _given_up(url: str, error: Exception, asked: float) -> str:
    waits = f" and asks to wait {asked:.0f} s" if asked else ""
    return f"{shown(url)}: {_reason(error)}{waits}; the same command goes on where it was, or give --mirror"


def _reason(error: Exception) -> str:
    return str(error).partition("\n")[0] or type(error).__name__


def _attempt(client: httpx.Client, url: str, part: PartialFile, name: str, size: int | None) -> None:
    with _answer(client, url, _rest_of(part)) as answer:
        total = _take_up(answer, url, part)
        if size is not None and total is not None and total != size:
            part.restart("")
            raise DownloadError(
                f"{shown(url)}: {total} bytes, not {size}: another file stands there now; give --mirror"
            )
        _check_space(part, total)
        if part.size == total:
            return
        for chunk in answer.iter_raw():
            part.write(chunk)
            report(name, part.size, total or size or 0)
            if size is not None and part.size > size:
                part.restart("")
                raise DownloadError(
                    f"{shown(url)}: more than {size} bytes: another file stands there now; give --mirror"
                )
        if total is not None and part.size != total:
            raise _TryAgainError(f"{part.size} of {total} bytes came")


def _rest_of(part: PartialFile) -> dict[str, str]:
    """Ask for the bytes that are missing, if it is certain of which version those are that are there."""
    if not part.size or not part.version:
        return {}
    return {"Range": f"bytes={part.size}-", "If-Range": part.version}


def _take_up(answer: httpx.Response, url: str, part: PartialFile) -> int | None:
    """Make the part ready for the body of an answer; return the size of the whole file where it is told."""
    status = answer.status_code
    if status in _BUSY or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise _TryAgainError(f"{status} {answer.reason_phrase}", _retry_after(answer.headers))
    if status not in (HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT, HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE):
        raise DownloadError(
            f"{shown(url)}: {status} {answer.reason_phrase}; give --mirror, or put the file there by hand"
        )
    if answer.headers.get("Content-Type", "").startswith("text/html"):
        raise DownloadError(f"{shown(url)}: gives a page, not the file (a proxy's?); give --mirror")
    if status == HTTPStatus.OK:
        packing = answer.headers.get("Content-Encoding", "identity")
        if packing != "identity" and not part.path.name.removesuffix(".part").endswith(_PACKED):
            raise DownloadError(
                f"{shown(url)}: comes packed ({packing}) although the plain file was asked for; give --mirror"
            )
        part.restart(_version(answer.headers))
        return _number(answer.headers.get("Content-Length", ""))
    given, _, total = answer.headers.get("Content-Range", "").removeprefix("bytes ").partition("/")
    whole = status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and _number(total) == part.size
    goes_on = given.startswith(f"{part.size}-") and _version(answer.headers) in ("", part.version)
    if not (whole or (status == HTTPStatus.PARTIAL_CONTENT and goes_on)):
        part.restart("")
        raise _TryAgainError("the server gives another part of the file than it was asked for")
    return _number(total)


def _version(headers: httpx.Headers) -> str:
    """Return what tells a version of the file byte by byte: a weak ETag does not."""
    etag = headers.get("ETag", "")
    return etag if etag.startswith('"') else headers.get("Last-Modified", "")


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() else None


def _retry_after(headers: httpx.Headers) -> float:
    """Return the seconds that a server asks to wait; it names them, or a date."""
    text = headers.get("Retry-After", "")
    if text.isdecimal():
        return float(text)
    try:
        return max((parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds(), 0.0)
    except (TypeError, ValueError):
        return 0.0


def _check_space(part: PartialFile, total: int | None) -> None:
    missing, free = (total or 0) - part.size, shutil.disk_usage(part.path.parent).free
    if missing > free:
        raise DownloadError(f"{part.path.parent}: {missing} bytes are to come, {free} are free; give another --to")


@contextmanager
def _answer(client: httpx.Client, url: str, headers: Mapping[str, str]) -> Generator[httpx.Response]:
    """Ask, and follow to other addresses; the body is not read yet."""
    request = client.build_request("GET", url, headers=headers)
    for _ in range(_REDIRECTS + 1):
        answer = client.send(request, stream=True)
        try:
            if answer.next_request is None:
                yield answer
                return
        finally:
            answer.close()
        _check_way(url, request.url, answer.next_request.url)
        request = answer.next_request
    raise DownloadError(f"{shown(url)}: more than {_REDIRECTS} redirects; give --mirror")


def _check_way(url: str, here: httpx.URL, there: httpx.URL) -> None:
    if there.scheme not in ("http", "https") or (here.scheme, there.scheme) == ("https", "http"):
        raise DownloadError(
            f"{shown(url)}: sends from {here.scheme} to {there}, which anybody could change; give --mirror"
        )
