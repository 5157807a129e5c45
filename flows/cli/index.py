"""`qamat index`: encoded memories."""

from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli.devices import Mesh, Together, devices
from flows.cli.options import DEFAULT_HOME, AsJson, Home
from flows.cli.output import print_fields, print_json
from flows.cli.running import running
from flows.cli.updates import compact, update
from schemas.qamat import Backend

if TYPE_CHECKING:
    from schemas.artifacts import Indexed

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
    backend: Annotated[Backend, typer.Option(help="What is to search it; scann is approximate.")] = "exact",
    mesh: Mesh = None,
    together: Together = None,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Encode another memory for a checkpoint; `qamat evaluate --memory` finds it."""
    from schemas.orders import BuildIndex

    fields = {"checkpoint": checkpoint, "memory": memory, "backend": backend, "home": home}
    order = BuildIndex.model_validate({**fields, **devices(mesh, together)})
    with running(home) as tally:
        from flows.indexing import build_index

        made = build_index(order)
    refs = {name: ref for name, ref in made if ref is not None}
    facts = _facts(home, made)
    if as_json:
        plain = {name: ref.model_dump(mode="json") for name, ref in refs.items()}
        print_json({**plain, **facts, "computed": tally.computed, "reused": tally.reused})
        return
    print_fields({**refs, **facts})


def _facts(home: str, made: "Indexed") -> dict[str, str | int | float]:
    """Return bytes, speed and recall of what was made."""
    from flows.lookup import open_home

    store = open_home(home)
    rows = {name: store.row(ref) for name, ref in made if ref is not None}
    notes = {name: value for row in rows.values() for name, value in row.notes.items()}
    return {**notes, **{f"{name}_bytes": row.bytes for name, row in rows.items()}}
