"""`qamat corpus edit`, `qamat index update | compact`: changing a memory without making it anew."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli.devices import Mesh, Together, devices
from flows.cli.options import DEFAULT_HOME, AsJson, Home
from flows.cli.output import print_fields, print_json
from flows.cli.running import running

if TYPE_CHECKING:
    from schemas.artifacts import ArtifactRef
    from schemas.orders import BuildIndex

Checkpoint = Annotated[str, typer.Option(help="The checkpoint that is to search it.")]
Memory = Annotated[str, typer.Option(help="The memory (qa_pairs), of which the newest version counts.")]


def edit(
    memory: Annotated[str, typer.Argument(help="The memory (qa_pairs) that is edited.")],
    edits: Annotated[Path, typer.Argument(help="JSON lines that add, replace or delete entries (docs/updates.md).")],
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Make the next version of a memory; `qamat index update` encodes what is new in it."""
    from schemas.orders import EditMemory

    order = EditMemory.model_validate({"memory": memory, "edits": str(edits.absolute()), "home": home})
    with running(home) as tally:
        from flows.updating import edit_memory

        made = edit_memory(order)
    from qamat_core.store.store import Store

    store = Store(home)
    counts = {**store.row(made.qa_pairs).notes, "refused": store.row(made.rejects).rejected}
    if as_json:
        print_json({**made.model_dump(mode="json"), **counts, "computed": tally.computed, "reused": tally.reused})
        return
    print_fields({"memory": made.qa_pairs, **counts, "refused edits": made.rejects})


def update(
    checkpoint: Checkpoint,
    memory: Memory,
    mesh: Mesh = None,
    together: Together = None,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Encode what changed in a memory since all of it was encoded; the rest is neither read nor copied."""
    fields = {"checkpoint": checkpoint, "memory": memory, "home": home, **devices(mesh, together)}

    def run(order: "BuildIndex") -> "ArtifactRef":
        from flows.updating import update_index

        return update_index(order)

    _make(run, fields, home, as_json)


def compact(checkpoint: Checkpoint, memory: Memory, home: Home = DEFAULT_HOME, as_json: AsJson = False) -> None:
    """Make one index of the newest update and what it updates; nothing is encoded."""

    def run(order: "BuildIndex") -> "ArtifactRef":
        from flows.updating import compact_index

        return compact_index(order)

    _make(run, {"checkpoint": checkpoint, "memory": memory, "home": home}, home, as_json)


def _make(run: "Callable[[BuildIndex], ArtifactRef]", fields: dict[str, object], home: str, as_json: bool) -> None:
    from schemas.orders import BuildIndex

    order = BuildIndex.model_validate(fields)
    with running(home) as tally:
        made = run(order)
    from qamat_core.store.store import Store

    notes = dict(Store(home).row(made).notes)
    if as_json:
        counted = {"computed": tally.computed, "reused": tally.reused}
        print_json({"index": made.model_dump(mode="json"), **notes, **counted})
        return
    print_fields({"index": made, **notes})
