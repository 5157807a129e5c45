"""The same inputs give the same content, whatever the number of workers, the hash seed and the replays of bundles."""

import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
from apache_beam.runners.portability.fn_api_runner.fn_runner import FnApiRunner

from tasks import runner
from tests.faults.conftest import trials
from tests.faults.runs import TOY, Runs, contents
from tests.flows.study import PROJECT, START

pytestmark = [pytest.mark.faults, pytest.mark.timeout(3600)]


@pytest.mark.parametrize(("workers", "seed"), [(1 + number % 2, str(number)) for number in trials(5)])
def test_workers_and_hash_seeds_change_nothing(workers: int, seed: str, forks: Runs, undisturbed: Path, tmp_path: Path):
    arguments = [argument.format(home=tmp_path) for argument in TOY]
    done = subprocess.run(
        [sys.executable, "-c", START, *arguments, "--home", str(tmp_path / "home"), "--workers", str(workers)],
        cwd=PROJECT,
        env={**os.environ, "PYTHONHASHSEED": seed},  # of the runs: their server and their programs
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert contents(tmp_path / "home") == contents(undisturbed)


def _replay(times: int) -> None:
    """Let Beam process every bundle so many times more in this process, as a runner does that loses workers."""
    runner.FnApiRunner = partial(_Replaying, times)


class _Replaying(FnApiRunner):
    def __init__(self, times: int, bundle_repeat: int) -> None:
        del bundle_repeat  # as the order has it
        super().__init__(bundle_repeat=times)


@pytest.mark.parametrize("times", trials(4))
def test_replayed_bundles_change_nothing(times: int, forks: Runs, undisturbed: Path, tmp_path: Path):
    home = tmp_path / "home"
    process = forks.start(home, prepare=partial(_replay, times))
    process.join()
    assert process.exitcode == 0, Path(f"{home}.log").read_text()[-3000:]
    assert contents(home) == contents(undisturbed)
