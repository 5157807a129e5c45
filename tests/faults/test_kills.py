"""`kill -9` at any moment: whoever runs it again ends with what an undisturbed run makes; nothing else can be read."""

import random
import shutil
import time
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path

import jax
import pytest

from qamat_core.store.collecting import collect
from qamat_core.store.store import Store
from tests.faults.conftest import trials
from tests.faults.moments import die_at
from tests.faults.runs import SMOKE, TOY, Runs, contents, die_after

pytestmark = [pytest.mark.faults, pytest.mark.timeout(4 * 3600)]


def test_a_run_killed_at_a_random_moment_is_finished_by_the_second_that_follows(
    forks: Runs, undisturbed: Path, tmp_path: Path
):
    run, seeds = _Killed(forks, TOY, undisturbed, _seconds(forks, TOY, undisturbed)), trials(200)
    assert _kill_and_finish(run, seeds, tmp_path) >= len(seeds), "of the kills, half at the least met a run"


def test_so_is_a_run_of_smoke(forks: Runs, undisturbed_smoke: Path, tmp_path: Path):
    run, seeds = _Killed(forks, SMOKE, undisturbed_smoke, _seconds(forks, SMOKE, undisturbed_smoke)), trials(10)
    assert _kill_and_finish(run, seeds, tmp_path) >= len(seeds), "of the kills, half at the least met a run"


@dataclass(frozen=True)
class _Killed:
    """A run that is killed: its arguments, a home that nothing disturbed, how long it takes."""

    forks: Runs
    arguments: tuple[str, ...]
    undisturbed: Path
    seconds: float


def _seconds(forks: Runs, arguments: tuple[str, ...], undisturbed: Path) -> float:
    """Return how long the run takes where all programs are compiled: the shorter of two, so that kills meet it."""
    took: list[float] = []
    for name in ("timed", "timed-again"):
        home = undisturbed.with_name(name)
        began = time.monotonic()
        forks.finish(home, arguments)
        took.append(time.monotonic() - began)
        assert contents(home) == contents(undisturbed), "two runs that nothing disturbs agree"
    return min(took)


def _kill_and_finish(run: _Killed, seeds: range, directory: Path) -> int:
    """Kill a run twice and see a third one to its good end, for each seed; return how many were killed in time."""
    killed = 0
    for seed in seeds:
        home, moments = directory / str(seed), random.Random(seed)
        for _ in range(2):
            killed += die_after(run.forks.start(home, run.arguments), moments.uniform(0, run.seconds))
            _only_registered_is_read(home)
        # Garbage is collected before the last run in every other trial, and in all of them at some moment of it.
        if seed % 2:
            _collect(home)
        last = run.forks.start(home, run.arguments)
        last.join(moments.uniform(0, run.seconds))
        _collect(home)
        run.forks.end(last, home)
        _is_whole(home, run.undisturbed)
        _collect(home)
        left = collect(Store(home), older_than=timedelta(0), dry_run=True)
        assert not left.removed, "what killed runs left is gone"
        assert not left.kept, "nothing waits for a run"
        _is_whole(home, run.undisturbed)
        shutil.rmtree(home)
    return killed


def _collect(home: Path) -> None:
    """Remove what is garbage at this moment, the work of stopped jobs too."""
    if (home / "registry").exists():
        collect(Store(home), older_than=timedelta(0))


def _is_whole(home: Path, undisturbed: Path) -> None:
    """Check a home that was killed and ended: the artifacts of an undisturbed run, each once, all of them sound."""
    assert contents(home) == contents(undisturbed)
    store = Store(home)
    rows = store.registry.rows()
    assert not [fault for row in rows for fault in store.faults(row)]
    assert not list((home / "work").glob("*/")), "what jobs had begun is cleared away"


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
    for number in trials(len(places)):
        home, place = tmp_path / str(number), places[number]
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
