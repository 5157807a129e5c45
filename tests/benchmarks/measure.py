"""How benchmarks measure: ours and the peer's in turns within one run, and what a row of the result says."""

import gc
import os
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from statistics import median

import psutil

from schemas.errors import ConfigError


@dataclass(frozen=True)
class Row:
    """One measure against one peer. ``ratio`` is our speed over the peer's: above 1 we are faster."""

    measure: str
    unit: str
    peer: str
    ours: float
    theirs: float
    ratio: float
    versions: Mapping[str, str]
    note: str = ""


@dataclass(frozen=True)
class Cost:
    """What one run took, in seconds: on the clock, and of processors (children's too)."""

    wall: float
    cpu: float


def require(*distributions: str) -> dict[str, str]:
    """Return the versions of the peers.

    Raises:
        ConfigError: one is not installed.
    """
    try:
        return {name: version(name) for name in distributions}
    except PackageNotFoundError as error:
        raise ConfigError(f"benchmark: the peer {error.name} is not installed; run `make setup-bench`") from error


@contextmanager
def one_core() -> Generator[None]:
    """Keep this thread, and those that it starts, on one core. XLA's start with the first use of jax."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(cores)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


def timed(run: Callable[[], object]) -> Cost:
    """Run once and return what it took."""
    gc.collect()
    wall, cpu = time.perf_counter(), _cpu_seconds()
    run()
    return Cost(time.perf_counter() - wall, _cpu_seconds() - cpu)


def interleave(runs: Mapping[str, Callable[[], object]], rounds: int, warm: bool = True) -> dict[str, Cost]:
    """Run everything in turns, ``rounds`` times (and once before, unmeasured, if ``warm``); return the medians.

    The order turns around every round, so that none is always first.
    """
    costs: dict[str, list[Cost]] = {name: [] for name in runs}
    for number in range(-1 if warm else 0, rounds):
        for name in list(runs)[:: 1 if number % 2 else -1]:
            cost = timed(runs[name])
            if number >= 0:
                costs[name].append(cost)
    return {
        name: Cost(median(cost.wall for cost in taken), median(cost.cpu for cost in taken))
        for name, taken in costs.items()
    }


def compare(
    measure: str,
    unit: str,
    peer: str,
    amount: float,
    seconds: tuple[float, float],
    versions: Mapping[str, str],
    note: str = "",
) -> Row:
    """Return a row of speeds: ``amount`` units were done in ``seconds`` (ours, theirs)."""
    ours, theirs = amount / seconds[0], amount / seconds[1]
    return Row(measure, unit, peer, ours, theirs, ours / theirs, versions, note)


def _cpu_seconds() -> float:
    times = psutil.Process().cpu_times()
    return times.user + times.system + times.children_user + times.children_system
