"""Options that every command has."""

from pathlib import Path
from typing import Annotated

import typer

DEFAULT_HOME = Path("qamat-home")

Home = Annotated[Path, typer.Option("--home", envvar="QAMAT_HOME", help="Where the artifacts live.", show_default=True)]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object as the last line.")]
