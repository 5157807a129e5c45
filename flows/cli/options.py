"""Options that every command has."""

from typing import Annotated

import typer

DEFAULT_HOME = "qamat-home"

Home = Annotated[
    str,
    typer.Option("--home", envvar="QAMAT_HOME", help="Where the artifacts live: a folder, s3://, gs:// or az://."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object as the last line.")]
Preset = Annotated[str, typer.Option(help="The numbers of every job: toy, smoke, mini.")]
Workers = Annotated[int, typer.Option(help="Worker threads of the Beam jobs.")]
