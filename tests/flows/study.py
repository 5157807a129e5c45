"""Runs `qamat` as a process, as people do, and stops it as people do."""

import json
import os
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).parents[2]
START = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # a process in the background ignores Ctrl-C
from flows.cli.main import main
main()
"""


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """The object on the last line of standard output."""
        return json.loads(self.out.splitlines()[-1])


def command(home: Path, *arguments: str, devices: int = 1) -> subprocess.Popen[str]:
    """Start `qamat` on a home with so many virtual devices; a session of its own stands for a terminal."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "JAX_"))}
    if devices > 1:
        kept["XLA_FLAGS"] = f"--xla_force_host_platform_device_count={devices}"
    return subprocess.Popen(
        [sys.executable, "-c", START, *arguments],
        cwd=PROJECT,
        env={**kept, "QAMAT_HOME": str(home), "CI": "true"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def run(home: Path, *arguments: str, devices: int = 1) -> Ended:
    """Run `qamat` to its end."""
    process = command(home, *arguments, devices=devices)
    out, err = process.communicate()
    return Ended(process.returncode, out, err)


def run_until(home: Path, line: str, *arguments: str) -> Ended:
    """Run `qamat` until it prints a line that contains ``line``, then press Ctrl-C."""
    process = command(home, *arguments)
    assert process.stdout is not None
    printed: list[str] = []
    for text in process.stdout:
        printed.append(text)
        if line in text:
            os.killpg(process.pid, signal.SIGINT)
            break
    out, err = process.communicate()
    return Ended(process.returncode, "".join(printed) + out, err)


def run_for(home: Path, seconds: float, *arguments: str) -> Ended:
    """Run `qamat` and press Ctrl-C after some seconds, unless it has ended."""
    process = command(home, *arguments)
    timer = threading.Timer(seconds, lambda: os.killpg(process.pid, signal.SIGINT))
    timer.start()
    out, err = process.communicate()
    timer.cancel()
    return Ended(process.returncode, out, err)
