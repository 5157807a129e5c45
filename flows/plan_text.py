"""A plan as people read it: in a terminal, in a log, in the Prefect UI."""

from collections.abc import Iterator, Sequence, Set
from io import StringIO
from typing import Any, Final

from prefect.artifacts import create_table_artifact
from rich.console import Console
from rich.table import Table

from flows.planning import REPORT, Plan, PlannedStep
from flows.progress import console_teller
from schemas.artifacts import Name

WIDTH: Final = 100
_HEAD: Final = ("step", "makes", "state", "minutes", "for tables")
_SHORT: Final = 0.01
"""Steps that take less of the whole share one line."""
_NAME_WIDTH: Final = 42
"""Longer names lose their middle."""
_LEAST: Final = 0.1
"""Fewer minutes are not told apart."""


def show(plan: Plan, name: Name) -> None:
    """Show a plan before its flow begins: a short one to whom progress is told, every step in the Prefect UI.

    Args:
        plan: what is shown.
        name: of what is made; begins the artifact's key.
    """
    teller = console_teller()
    for line in lines(plan):
        teller.line(line)
    rows: list[dict[str, Any]] = [dict(zip(_HEAD, _cells([one], plan), strict=True)) for one in plan.steps]
    create_table_artifact(rows, key=f"{name}-plan", description="\n\n".join((summary(plan), *_foot(plan))))


def lines(plan: Plan, *, every: bool = False) -> list[str]:
    """Return a plan in lines of at most ``WIDTH`` letters.

    Args:
        plan: what is shown.
        every: give each step a line; else steps of a name share one, and those that are found are only counted.
    """
    groups, short = ([[one] for one in plan.steps], []) if every else _shortened(plan)
    table = Table(box=None, pad_edge=False)
    for head in _HEAD:
        table.add_column(head, justify="right" if head == "minutes" else "left", no_wrap=head != _HEAD[-1])
    for group in groups:
        table.add_row(*_cells(group, plan))
    if short:
        table.add_row("short ones", f"{len(short)} steps", _state(short), _minutes(short), "")
    drawn = StringIO()
    if table.row_count:
        Console(file=drawn, width=WIDTH, no_color=True, highlight=False).print(table)
    return [*(line.rstrip() for line in drawn.getvalue().splitlines()), *_foot(plan), summary(plan)]


def _shortened(plan: Plan) -> tuple[list[list[PlannedStep]], list[PlannedStep]]:
    """Put missing steps of a name together; apart from them those that take little time of the whole."""
    groups: dict[str, list[PlannedStep]] = {}
    for one in plan.missing:
        groups.setdefault(one.step, []).append(one)

    def long(group: Sequence[PlannedStep]) -> bool:
        known = [one.estimate.seconds for one in group if one.estimate]
        return len(known) < len(group) or sum(known) >= _SHORT * plan.seconds

    listed = [group for group in groups.values() if long(group)]
    return listed, [one for group in groups.values() if not long(group) for one in group]


def _cells(group: Sequence[PlannedStep], plan: Plan) -> tuple[str, ...]:
    first = group[0]
    makes = _shortened_name(first.name if len(group) == 1 else f"{first.name} +{len(group) - 1}")
    purposes = {table for one in group for table in one.purposes}
    return first.step, makes, _state(group), _minutes(group), _purposes(purposes, plan.tables)


def _shortened_name(text: str) -> str:
    half = _NAME_WIDTH // 2
    return text if len(text) <= _NAME_WIDTH else f"{text[:half]}…{text[1 - half :]}"


def _state(group: Sequence[PlannedStep]) -> str:
    states = [one.state for one in group]
    return states[0] if len(set(states)) == 1 else "to make"


def _minutes(group: Sequence[PlannedStep]) -> str:
    if all(one.state == "found" for one in group):
        return ""
    known = [one.estimate.seconds for one in group if one.estimate]
    minutes = sum(known) / 60
    return "?" if len(known) < len(group) else f"{minutes:.1f}" if minutes >= _LEAST else f"<{_LEAST}"


def _purposes(found: Set[str], tables: Sequence[str]) -> str:
    """Return tables in short: ``2 4 5 figure7``, ``all``, ``all but 1 3``."""
    others = [table for table in tables if table not in found]
    if len(tables) > 1 and len(others) <= len(tables) // 3 and not found - {*tables}:
        return "all but " + _short(others) if others else "all"
    return _short([table for table in tables if table in found]) or REPORT


def _short(tables: Sequence[str]) -> str:
    return " ".join(table.removeprefix("table") for table in tables)


def summary(plan: Plan) -> str:
    """Return a plan in one line."""
    made = len(plan.steps) - len(plan.missing)
    if not plan.missing:
        return f"Plan of {plan.title}: {made} steps found, none to make"
    return f"Plan of {plan.title}: {made} steps found, {len(plan.missing)} to make, {_time(plan)}"


def _time(plan: Plan) -> str:
    if plan.unknown == len(plan.missing):
        return "how long is not known"
    known = f"about {plan.seconds / 60:.0f} min" if plan.seconds >= 60 else f"about {plan.seconds:.0f} s"
    return known + (f" and {plan.unknown} whose length is not known" if plan.unknown else "")


def _foot(plan: Plan) -> Iterator[str]:
    origins = [one.estimate.origin for one in plan.missing if one.estimate]
    if home := origins.count("home"):
        yield f"Minutes of {home} steps: as long as such steps took in this home."
    if reference := origins.count("reference"):
        yield f"Minutes of {reference} steps: as measured at mini on two cores."
    if any(one.state == "waits" for one in plan.missing):
        yield "A step that waits is found after all where what it reads comes out as it was."
