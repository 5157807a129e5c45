"""Processes for the tests of collecting: a job that stops just before its registry row, and a collector."""

import sys
import time
from datetime import timedelta
from pathlib import Path

from qamat_core.store.collecting import collect
from qamat_core.store.registry import Registry, RegistryRow
from qamat_core.store.store import Store
from tests.qamat_core.store.jobs import make_directory, make_table


def place(home: str, kind: str, text: str, signals: str) -> None:
    """Make an artifact; between its data and its row say so by a file ``placed`` and wait for a file ``go``."""
    append = Registry.append

    def waiting(registry: Registry, rows: list[RegistryRow]) -> list[RegistryRow]:
        (Path(signals) / "placed").touch()
        while not (Path(signals) / "go").exists():
            time.sleep(0.005)
        return append(registry, rows)

    Registry.append = waiting
    print((make_table if kind == "table" else make_directory)(Store(home), text).model_dump_json())  # noqa: T201


def collecting(home: str, hours: str) -> None:
    """Collect once."""
    found = collect(Store(home), older_than=timedelta(hours=float(hours)) if hours else None)
    print(len(found.removed))  # noqa: T201


def churn(home: str, seed: str, seconds: str) -> None:
    """Make one artifact after another until the time is over or the process is killed."""
    store, end, number = Store(home), time.monotonic() + float(seconds), 0
    while time.monotonic() < end:
        number += 1
        (make_table if number % 2 else make_directory)(store, f"{seed}-{number}", f"name-{number % 3}")


if __name__ == "__main__":
    {"place": place, "collect": collecting, "churn": churn}[sys.argv[1]](*sys.argv[2:])
