"""Options that every command has."""

from pathlib import Path
from typing import Annotated

import typer

DEFAULT_HOME = Path("qamat-home")

Home = Annotated[Path, typer.Option("--home", envvar="QAMAT_HOME", help="Where the artifacts live.", show_default=True)]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object as the last line.")]
Preset = Annotated[str, typer.Option(help="The numbers of every job: toy, smoke, mini.")]
Workers = Annotated[int, typer.Option(help="Worker threads of the Beam jobs.")]
