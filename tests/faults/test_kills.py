"""`kill -9` at any moment: whoever runs it again ends with what an undisturbed run makes; nothing else can be read."""

import random
import time
from functools import partial
from pathlib import Path

import jax
import pytest

from qamat_core.store.store import Store
from tests.faults.conftest import trials
from tests.faults.moments import die_at
from tests.faults.runs import Runs, contents, die_after

pytestmark = [pytest.mark.faults, pytest.mark.timeout(4 * 3600)]


@pytest.fixture(scope="module")
def seconds(forks: Runs, undisturbed: Path, tmp_path_factory: pytest.TempPathFactory) -> float:
    """How long the run takes where all programs are compiled already."""
    home = tmp_path_factory.mktemp("timed") / "home"
    began = time.monotonic()
    forks.finish(home)
    assert contents(home) == contents(undisturbed), "two runs that nothing disturbs agree"
    return time.monotonic() - began


def _is_whole(home: Path, undisturbed: Path) -> None:
    """Check a home that was killed and ended: the artifacts of an undisturbed run, each once, all of them sound."""
    assert contents(home) == contents(undisturbed)
    store = Store(home)
    rows = store.registry.rows()
    assert not [fault for row in rows for fault in store.faults(row)]
    assert not list((home / "work").glob("*/")), "what jobs had begun is cleared away"


def test_a_run_killed_at_a_random_moment_is_finished_by_the_second_that_follows(
    forks: Runs, undisturbed: Path, seconds: float, tmp_path: Path
):
    killed = 0
    for seed in trials(200):
        home, moments = tmp_path / str(seed), random.Random(seed)
        for _ in range(2):
            killed += die_after(forks.start(home), moments.uniform(0, seconds))
            if home.exists():
                _only_registered_is_read(home)
        forks.finish(home)
        _is_whole(home, undisturbed)
    assert killed, "some runs were killed before their end"


def _only_registered_is_read(home: Path) -> None:
    """Open whatever the registry of a killed run names: it must be sound."""
    if not (home / "registry").exists():
        return
    store = Store(home)
    for row in store.registry.rows():
        assert not store.faults(row), row.ref


def test_every_place_where_a_home_changes_can_be_the_last(forks: Runs, undisturbed: Path, tmp_path: Path):
    places = undisturbed.with_name("places").read_text().splitlines()
    assert len(places) > 10, places
    for number, place in enumerate(places[: len(trials(len(places)))]):
        home = tmp_path / str(number)
        process = forks.start(home, prepare=partial(_die_at, place, home.with_suffix(".programs")))
        process.join()
        assert process.exitcode == -9, f"{place}: exit code {process.exitcode}"
        _only_registered_is_read(home)
        forks.finish(home)
        _is_whole(home, undisturbed)


def _die_at(place: str, programs: Path) -> None:
    """As ``die_at``; where programs are kept is come to only by who finds none."""
    if place.startswith("qamat_core/generation/programs.py"):
        jax.config.update("jax_compilation_cache_dir", str(programs))
    die_at(place)
