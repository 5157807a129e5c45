"""`qamat index`: encoded memories."""

from typing import Annotated

import typer

from flows.cli.devices import Mesh, Together, devices
from flows.cli.options import DEFAULT_HOME, AsJson, Home
from flows.cli.output import print_fields, print_json
from flows.cli.running import running
from flows.cli.updates import compact, update

app = typer.Typer(help="Encoded memories.", no_args_is_help=True)
app.command("update")(update)
app.command("compact")(compact)


@app.callback()
def index() -> None:
    """Encoded memories."""


@app.command("build")
def build(
    checkpoint: Annotated[str, typer.Option(help="The checkpoint that is to search it.")],
    memory: Annotated[str, typer.Option(help="The memory (qa_pairs) that is encoded.")],
    mesh: Mesh = None,
    together: Together = None,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Encode another memory for a checkpoint; `qamat evaluate --memory` finds it."""
    from schemas.orders import BuildIndex

    fields = {"checkpoint": checkpoint, "memory": memory, "home": home}
    order = BuildIndex.model_validate({**fields, **devices(mesh, together)})
    with running(home) as tally:
        from flows.indexing import build_index

        made = build_index(order)
    if as_json:
        print_json({"index": made.model_dump(mode="json"), "computed": tally.computed, "reused": tally.reused})
        return
    print_fields({"index": made})
