"""What all fault tests share: how many trials, the process that runs are forked of, a run that nothing disturbed."""

import os
from functools import partial
from pathlib import Path

import pytest

from tests.faults.moments import note_places
from tests.faults.runs import SMOKE, TOY, Runs, contents, runs

TRIALS = os.environ.get("QAMAT_FAULT_TRIALS", "")
"""Which trials of each test are made, all by default: ``3`` for the first three, ``50-100`` for 50 to 99."""


def trials(full: int) -> range:
    """Return the seeds of the trials of a test."""
    first, _, end = TRIALS.rpartition("-")
    return range(full)[int(first or 0) : int(end) if end else full]


@pytest.fixture(scope="session")
def forks(tmp_path_factory: pytest.TempPathFactory):
    """What starts runs."""
    with runs(tmp_path_factory.mktemp("forks")) as started:
        yield started


@pytest.fixture(scope="session")
def undisturbed_smoke(forks: Runs, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home of the smoke run."""
    home = tmp_path_factory.mktemp("undisturbed-smoke") / "home"
    forks.finish(home, SMOKE)
    return home


@pytest.fixture(scope="session")
def undisturbed(forks: Runs, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home of the toy run; beside it, in ``places``, the places that the run came to."""
    home = tmp_path_factory.mktemp("undisturbed") / "home"
    process = forks.start(home, TOY, partial(note_places, home.with_name("places")))
    process.join()
    assert process.exitcode == 0, Path(f"{home}.log").read_text()[-3000:]
    assert contents(home)
    return home
