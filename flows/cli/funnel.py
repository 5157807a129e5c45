"""`qamat corpus funnel`: what became of everything that was generated."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated

import typer

from flows.cli.options import DEFAULT_HOME, AsJson, Home
from flows.cli.output import print_json, print_table


def funnel(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A regenerated corpus.")],
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Show how many records each stage read, kept and refused, and why."""
    from flows.lookup import open_home
    from qamat_core.funnel import funnel as stages_of

    store = open_home(home)
    memory = store.newest("qa_pairs", name)
    stages = stages_of(store, memory)
    if as_json:
        print_json({"memory": str(memory), "stages": [asdict(stage) for stage in stages]})
        return
    print_table(
        ("stage", "read", "kept", "share", "not kept"),
        [
            [one.title, one.read, one.kept, f"{one.kept / max(one.read, 1):.1%}", _reasons(one.reasons)]
            for one in stages
        ],
    )


def _reasons(reasons: Mapping[str, int]) -> str:
    return ", ".join(f"{reason} {count}" for reason, count in reasons.items())
