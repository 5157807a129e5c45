"""`qamat bench`: ours against a peer, in turns within one run. Works in a checkout of the sources."""

import importlib
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.cli.options import AsJson
from flows.cli.output import print_json, print_table
from schemas.errors import ConfigError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

_SOURCES = Path(__file__).parents[2]
_BENCHMARKS = _SOURCES / "tests" / "benchmarks"


def bench(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What is measured: a module of tests/benchmarks.")],
    quick: Annotated[bool, typer.Option("--quick", help="Small sizes: shows that it works, measures nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Measure ours against a peer and print one row a measure; a ratio above 1 means that ours is faster."""
    rows = _benchmark(name)(quick=quick)
    if as_json:
        print_json({"rows": [asdict(row) for row in rows]})
        return
    columns = ("measure", "unit", "peer", "ours", "theirs", "ratio", "note")
    print_table(columns, [[_cell(getattr(row, column)) for column in columns] for row in rows])


def _benchmark(name: str) -> "Callable[..., Sequence[DataclassInstance]]":
    names = sorted(path.stem.removeprefix("bench_") for path in _BENCHMARKS.glob("bench_*.py"))
    if name not in names:
        known = ", ".join(names) or "none: benchmarks are part of the sources, run it in a checkout"
        raise ConfigError(f"benchmark {name!r} is not known; there are: {known}")
    sys.path.insert(0, str(_SOURCES))
    return importlib.import_module(f"tests.benchmarks.bench_{name}").run


def _cell(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
