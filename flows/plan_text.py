"""A plan as people read it: in a terminal, in a log, in the Prefect UI."""

from collections.abc import Iterator, Sequence
from io import StringIO
from typing import Final

from prefect.artifacts import create_table_artifact
from rich.console import Console
from rich.table import Table

from flows.planning import Plan, PlannedStep
from flows.progress import console_teller
from schemas.orders import Reproduce

WIDTH: Final = 100
_HEAD: Final = ("step", "makes", "state", "minutes", "for")


def show(plan: Plan, order: Reproduce) -> None:
    """Show a plan before its flow begins: a short one to whom progress is told, every step in the Prefect UI."""
    teller = console_teller()
    for line in lines(plan):
        teller.line(line)
    rows = [dict(zip(_HEAD, _cells([one]), strict=True)) for one in plan.steps]
    create_table_artifact(rows, key=f"{order.name}-plan", description="\n\n".join((_summary(plan), *_foot(plan))))


def lines(plan: Plan, *, every: bool = False) -> list[str]:
    """Return a plan in lines of at most ``WIDTH`` letters.

    Args:
        plan: what is shown.
        every: give each step a line; else steps alike share one, and those that are found are only counted.
    """
    groups = [[one] for one in plan.steps] if every else _alike(plan.missing)
    table = Table(*_HEAD[:3], box=None, pad_edge=False)
    table.add_column(_HEAD[3], justify="right")
    table.add_column(_HEAD[4])
    for group in groups:
        table.add_row(*_cells(group))
    drawn = StringIO()
    if groups:
        Console(file=drawn, width=WIDTH, no_color=True, highlight=False).print(table)
    text = [_summary(plan), *("  " + line.rstrip() for line in drawn.getvalue().splitlines()), *_foot(plan)]
    return text


def _alike(steps: Sequence[PlannedStep]) -> list[list[PlannedStep]]:
    """Put steps of one kind together that are in one state and for the same tables."""
    groups: dict[tuple[str, str, tuple[str, ...]], list[PlannedStep]] = {}
    for one in steps:
        groups.setdefault((one.step, one.state, one.purposes), []).append(one)
    return list(groups.values())


def _cells(group: Sequence[PlannedStep]) -> tuple[str, ...]:
    first = group[0]
    makes = first.name if len(group) == 1 else f"{first.name} and {len(group) - 1} more"
    known = [one.estimate.seconds for one in group if one.estimate]
    minutes = "" if first.state == "found" else f"{sum(known) / 60:.1f}" if len(known) == len(group) else "?"
    return first.step, makes, first.state, minutes, _purposes(first.purposes)


def _purposes(tables: Sequence[str]) -> str:
    """Return the tables in short: ``tables 2 4 5, figure7``."""
    numbers = " ".join(table.removeprefix("table") for table in tables if table.startswith("table"))
    numbered = [f"table{'s' if ' ' in numbers else ''} {numbers}"] if numbers else []
    return ", ".join(numbered + [table for table in tables if not table.startswith("table")])


def _summary(plan: Plan) -> str:
    made = len(plan.steps) - len(plan.missing)
    if not plan.missing:
        return f"plan ({plan.title}): all {made} steps are found, nothing is to be made"
    unknown = f", and {plan.unknown} whose length is not known" if plan.unknown else ""
    return f"plan ({plan.title}): {len(plan.missing)} steps to make, about {_time(plan)}{unknown}; {made} found"


def _time(plan: Plan) -> str:
    return f"{plan.seconds / 60:.0f} min" if plan.seconds >= 60 else f"{plan.seconds:.0f} s"


def _foot(plan: Plan) -> Iterator[str]:
    origins = [one.estimate.origin for one in plan.missing if one.estimate]
    if home := origins.count("home"):
        yield f"minutes of {home} steps: as long as such steps took in this home"
    if reference := origins.count("reference"):
        yield f"minutes of {reference} steps: as measured at mini on two cores that had nothing else to do"
    if plan.missing:
        yield "a step 'after others' is found after all if what it reads comes out as it was"
