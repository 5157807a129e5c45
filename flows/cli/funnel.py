"""`qamat corpus funnel`: what became of everything that was generated."""

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
        [[one.title, one.read, one.kept, one.share, one.why] for one in stages],
    )
