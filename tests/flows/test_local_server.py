"""The server of one command ends with it."""

import subprocess
import sys
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import psutil
import pytest

from flows.local_server import LocalServer


def answers(url: str) -> bool:
    try:
        with urlopen(f"{url}/health", timeout=2):
            return True
    except (URLError, OSError):
        return False


def test_a_server_ends_when_its_parent_is_killed(tmp_path: Path):
    code = (
        "import sys, time\nfrom pathlib import Path\nfrom flows.local_server import LocalServer\n"
        "server = LocalServer(Path(sys.argv[1]))\nserver.wait()\nprint(server.url, flush=True)\ntime.sleep(600)"
    )
    parent = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    url = parent.stdout.readline().strip()
    children = psutil.Process(parent.pid).children()
    assert answers(url)
    parent.kill()
    parent.wait()
    assert psutil.wait_procs(children, timeout=30)[1] == []
    assert not answers(url)


def test_a_server_that_cannot_start_names_its_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PREFECT_HOME", "/proc/nowhere")
    monkeypatch.setenv("PREFECT_API_DATABASE_CONNECTION_URL", "sqlite+aiosqlite:////proc/nowhere/prefect.db")
    server = LocalServer(tmp_path)
    with pytest.raises(RuntimeError, match=f"see {tmp_path}/server.log"):
        server.wait()
    server.stop()
