"""An S3 server on this machine, for the tests of homes in an object store."""

import socket
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager

import httpx

BUCKET = "qamat"


def free_port() -> int:
    """Return a port of this machine that nobody uses."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextmanager
def s3_server() -> Generator[dict[str, str]]:
    """Serve S3 with an empty bucket; gives the variables by which clients find it."""
    url = f"http://127.0.0.1:{free_port()}"
    port = url.rpartition(":")[2]
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", port]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _make_bucket(f"{url}/{BUCKET}")
        yield {
            "AWS_ENDPOINT_URL": url,
            "AWS_ALLOW_HTTP": "true",
            "AWS_ACCESS_KEY_ID": "nobody",
            "AWS_SECRET_ACCESS_KEY": "nothing",
            "AWS_REGION": "us-east-1",
        }
    finally:
        process.kill()
        process.wait()


def _make_bucket(url: str) -> None:
    end = time.monotonic() + 60
    while True:
        try:
            httpx.put(url).raise_for_status()
            return
        except httpx.TransportError:
            assert time.monotonic() < end, "the S3 server does not come up"
            time.sleep(0.1)
