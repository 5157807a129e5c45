"""The command starts itself anew with large pages, once, and leaves a user's own setting alone."""

import os
import subprocess
import sys

import pytest

SHOW = "import os, sys; from flows.large_pages import restart_with_large_pages as restart; restart(); " + (
    "print(os.getpid(), os.environ['GLIBC_TUNABLES'], sys.argv[1:])"
)


@pytest.mark.skipif(sys.platform != "linux", reason="a setting of glibc")
@pytest.mark.parametrize("own", [None, "glibc.malloc.check=0"])
def test_the_process_replaces_itself_once(own: str | None):
    environment = {name: value for name, value in os.environ.items() if name != "GLIBC_TUNABLES"}
    if own:
        environment["GLIBC_TUNABLES"] = own
    process = subprocess.Popen(
        [sys.executable, "-c", SHOW, "--a b", "c"], env=environment, stdout=subprocess.PIPE, text=True
    )
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert out.split(maxsplit=2) == [str(process.pid), own or "glibc.malloc.hugetlb=1", "['--a b', 'c']\n"]
