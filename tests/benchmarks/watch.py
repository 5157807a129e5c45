"""Watching a command as its user has it: a process of its own, processor seconds and resident memory step by step.

A step ends where the command prints its line (``extract answers NAME: made in ...``). What stands before the first
line (imports, the server's start) belongs to the first step. Prefect's server is a child and is not counted.
"""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import psutil

from flows.large_pages import SETTING, VARIABLE

_SOURCES = Path(__file__).parents[2]
SECONDS_BETWEEN = 0.05
"""How often memory is looked at."""
MIB = 2**20


@dataclass(frozen=True)
class Step:
    """One step of a command: processor seconds, and the greatest resident memory of the process, in MiB.

    ``own`` leaves out what is mapped from files (libraries, indexes).
    """

    cpu: float
    peak: float
    own: float


@dataclass
class Watched:
    """The steps of a command by name (``extract answers``), and its processor seconds from start to end."""

    steps: dict[str, Step] = field(default_factory=dict[str, Step])
    cpu: float = 0.0

    def cpu_of(self, *steps: str) -> float:
        """Return the processor seconds of some steps."""
        return sum(self.steps[step].cpu for step in steps)


def watch(arguments: Sequence[str], kill_when: Callable[[Watched], bool] = lambda _: False) -> Watched:
    """Run `qamat` with these arguments to its end; kill it with SIGKILL as soon as ``kill_when`` says so.

    Raises:
        RuntimeError: it failed; holds its last words.
    """
    environment = {**os.environ, "CI": "true", VARIABLE: SETTING, "PYTHONPATH": str(_SOURCES)}
    command = [sys.executable, "-c", "from flows.cli.main import main; main()", *arguments]
    process = subprocess.Popen(
        command, cwd=_SOURCES, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    watched, meter = Watched(), _Meter(process.pid)
    lines = threading.Thread(target=_read, args=(process.stdout, meter, watched))
    words: list[str] = []
    errors = threading.Thread(target=lambda: words.extend(process.stderr or ()))
    for thread in (lines, errors):
        thread.start()
    killed = False
    while process.poll() is None:
        meter.look()
        if kill_when(watched):
            process.send_signal(signal.SIGKILL)
            killed = True
        threading.Event().wait(SECONDS_BETWEEN)
    for thread in (lines, errors):
        thread.join()
    if process.returncode and not killed:
        raise RuntimeError(f"qamat {' '.join(arguments)}: {''.join(words)[-2000:]}")
    watched.cpu = meter.cpu
    return watched


class _Meter:
    """Looks at a process: its processor seconds, and the greatest memory since the last step."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)
        self._peak = self._own = self._before = self.cpu = 0.0
        self._lock = threading.Lock()

    def look(self) -> None:
        """Take the present figures; a process that has ended keeps its last ones."""
        try:
            times, memory = self._process.cpu_times(), self._process.memory_info()
        except psutil.Error:
            return
        with self._lock:
            self.cpu = max(self.cpu, times.user + times.system)
            self._peak = max(self._peak, memory.rss / MIB)
            self._own = max(self._own, (memory.rss - memory.shared) / MIB)

    def step(self) -> Step:
        """End a step."""
        self.look()
        with self._lock:
            step = Step(self.cpu - self._before, self._peak, self._own)
            self._before, self._peak, self._own = self.cpu, 0.0, 0.0
        return step


def _read(lines: IO[str] | None, meter: _Meter, watched: Watched) -> None:
    for line in lines or ():
        name, _, outcome = line.partition(": ")
        if outcome.startswith(("made", "found")):
            watched.steps[name.rpartition(" ")[0]] = meter.step()
