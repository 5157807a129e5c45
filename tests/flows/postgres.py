"""A PostgreSQL of the tests' own, from Debian's package, in a directory that goes with them."""

import os
import shutil
import socket
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from tests import programs

DEBIAN = Path("/usr/lib/postgresql")
USER = "postgres"
"""PostgreSQL refuses to run as root: root lets this user run it."""


def _programs() -> Path:
    """Return the directory of initdb and pg_ctl; the test is skipped where PostgreSQL is not installed."""
    found = [version / "bin" for version in sorted(DEBIAN.glob("*"), reverse=True)]
    on_path = shutil.which("pg_ctl")
    for directory in [*found, *([Path(on_path).parent] if on_path else [])]:
        if (directory / "initdb").exists():
            return directory
    return programs.missing("no PostgreSQL on this machine: apt install postgresql")


@contextmanager
def postgres(directory: Path) -> Generator[str]:
    """Run a server on a free port inside the block; give the address of its database as Prefect takes it."""
    programs, user = _programs(), USER if os.geteuid() == 0 else None
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    directory.mkdir(parents=True)
    if user:
        shutil.chown(directory, user)
        for parent in directory.parents:
            if parent.stat().st_mode & 0o001 == 0:
                parent.chmod(parent.stat().st_mode | 0o011)  # pytest's directories are their owner's alone
    data, log = directory / "data", directory / "log"

    def call(program: str, *arguments: str) -> None:
        command = [str(programs / program), *arguments]
        done = subprocess.run(command, user=user, cwd=directory, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{done.stdout}{done.stderr}{log.read_text() if log.exists() else ''}"

    call("initdb", "--pgdata", str(data), "--auth=trust", "--username=prefect", "--no-sync", "--encoding=UTF8")
    settings = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=off"
    call("pg_ctl", "start", "--wait", "--pgdata", str(data), "--log", str(log), "--options", settings)
    try:
        call("createdb", "--host=127.0.0.1", f"--port={port}", "--username=prefect", "prefect")
        yield f"postgresql+asyncpg://prefect@127.0.0.1:{port}/prefect"
    finally:
        call("pg_ctl", "stop", "--wait", "--mode=immediate", "--pgdata", str(data))
