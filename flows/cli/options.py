"""Options that every command has."""

from pathlib import Path
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


def file_of_questions(dataset: str | None, path: Path | None, split: str) -> dict[str, str] | None:
    """Return what --dataset, --path and --split say, as an order takes it; None where no file is given."""
    if (dataset is None) != (path is None):
        raise typer.BadParameter("--dataset and --path go together")
    return {"path": str(path.absolute()), "dataset": dataset, "split": split} if path and dataset else None
