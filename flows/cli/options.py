"""Options that every command has."""

import re
from typing import Annotated

import typer

DEFAULT_HOME = "qamat-home"

Home = Annotated[
    str,
    typer.Option("--home", envvar="QAMAT_HOME", help="Where the artifacts live: a folder, s3://, gs:// or az://."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object as the last line.")]
Preset = Annotated[str, typer.Option(help="The numbers of every job: toy, smoke, mini; small, base, large.")]
Workers = Annotated[int, typer.Option(help="Worker threads of the Beam jobs, where they run in this process.")]
Runner = Annotated[
    str, typer.Option(help="What runs the Beam jobs: FnApiRunner is this process; docs/scale-out.md has the others.")
]
RunnerOptions = Annotated[
    list[str] | None,
    typer.Argument(metavar="BEAM_OPTIONS", help="After --: Beam's own options of another runner, each --name=value."),
]


def mesh_of(written: str) -> dict[str, int]:
    """Read ``--mesh DxM`` as the fields of a ``MeshShape``."""
    if not (parts := re.fullmatch(r"([1-9]\d*)x([1-9]\d*)", written)):
        raise typer.BadParameter(f"--mesh {written}: write DxM, such as 4x2")
    return {"data": int(parts[1]), "model": int(parts[2])}
