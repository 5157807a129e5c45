"""`qamat data`: the public files that corpora and questions are made of."""

import sys
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli.options import DEFAULT_HOME, AsJson, Home
from flows.cli.output import is_interactive, print_fields, print_json, print_table, size

if TYPE_CHECKING:
    from schemas.sources import Source

app = typer.Typer(help="Public data sets: what there is, and fetching it.", no_args_is_help=True)
SECONDS_BETWEEN = 10.0
"""Plain lines of progress come at most so often."""
To = Annotated[Path | None, typer.Option("--to", help="The folder of the files (default: data, in the home).")]


@app.command("ls")
def ls(to: To = None, home: Home = DEFAULT_HOME, as_json: AsJson = False) -> None:
    """List the official sources: name, size, whether its SHA-256 is pinned, whether it is there, what reads it."""
    from schemas.sources import SOURCES

    folder = _folder(to, home)
    rows = [
        {
            **source.model_dump(mode="json"),
            "path": str(folder / source.file),
            "present": _present(source, folder),
            "then": _then(source, folder / source.file),
        }
        for source in SOURCES.values()
    ]
    if as_json:
        print_json({"sources": rows})
        return
    columns = ("name", "holds", "size", "pinned", "present", "then")
    cells = [
        (
            row["name"],
            row["holds"],
            size(row["size"]) if row["size"] else "?",
            "pinned" if row["sha256"] else "-",
            row["present"],
            row["then"] or "(no reader yet)",
        )
        for row in rows
    ]
    print_table(columns, cells)


@app.command("fetch")
def fetch(
    names: Annotated[list[str], typer.Argument(metavar="NAME...", help="Sources that `qamat data ls` names.")],
    to: To = None,
    mirror: Annotated[
        str | None,
        typer.Option(
            "--mirror",
            envvar="QAMAT_MIRROR",
            help="An http(s) address under which the files stand by their names, such as a served folder of them.",
        ),
    ] = None,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Fetch files from their official sources; one that was broken off goes on where it was."""
    from qamat_core.downloads import fetch as fetch_source

    sources = [_source(name) for name in names]
    folder = _folder(to, home)
    done: list[dict[str, object]] = []
    for source in sources:
        try:
            with _progress():
                got = fetch_source(source, folder, mirror or None)
        except KeyboardInterrupt:
            print("qamat: stopped; the same command goes on where it was", file=sys.stderr)
            raise
        fields = {"path": str(got.path), "size": got.size, "sha256": got.sha256}
        then = _then(source, got.path)
        done.append(
            {"name": source.name, **fields, "pinned": source.sha256 is not None, "received": got.received}
            | {"was_there": got.was_there, "then": then}
        )
        if not as_json:
            whence = "pinned" if source.sha256 else "not pinned; measured and written beside the file"
            print_fields(
                {source.name: "was there, whole" if got.was_there else f"fetched, {size(got.received)} came now"}
                | fields
                | {"size": size(got.size), "sha256": f"{got.sha256} ({whence})", "licence": source.licence}
                | {"then": then or "nothing here reads it yet"}
            )
    if as_json:
        print_json({"files": done})


def _folder(to: Path | None, home: str) -> Path:
    from schemas.errors import ConfigError

    if to is None and "://" in home:
        raise ConfigError(f"home {home} is no folder of this machine: give --to, a folder for the files")
    return to or Path(home) / "data"


def _source(name: str) -> "Source":
    from difflib import get_close_matches

    from schemas.errors import ConfigError
    from schemas.sources import SOURCES

    if name not in SOURCES:
        near = get_close_matches(name, SOURCES, n=3, cutoff=0.4)
        meant = f"perhaps {', '.join(near)}; " if near else ""
        raise ConfigError(f"no source is named {name}: {meant}`qamat data ls` lists all")
    return SOURCES[name]


def _present(source: "Source", folder: Path) -> str:
    """Say what is there, by its size alone: a fetch compares the content."""
    file, part = folder / source.file, folder / f"{source.file}.part"
    if file.exists():
        return "there" if source.size in (None, file.stat().st_size) else "another file"
    return f"{size(part.stat().st_size)} of it" if part.exists() else "-"


def _then(source: "Source", path: Path) -> str:
    """Return the command that reads the file; empty where nothing does."""
    match source.use:
        case None:
            return ""
        case "passages":
            return f"qamat corpus regenerate --passages {path}"
        case "squad":
            return f"qamat corpus regenerate --squad {path}"
        case "questions" if source.split == "train":
            return f"qamat train finetune --dataset {source.dataset} --path {path}"
        case "questions":
            return f"qamat evaluate --dataset {source.dataset} --split {source.split} --path {path}"
        case form:
            return f"qamat corpus import {path} --format {form}"


@contextmanager
def _progress() -> Generator[None]:
    """Show how far a fetch is inside the block: a bar in a terminal, else a line now and then."""
    from qamat_core.progress import listening

    if not is_interactive():
        with listening(_Lines()):
            yield
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(binary_units=True),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(), transient=True) as progress:
        bar = progress.add_task("")

        def move(stage: str, done: int, total: int, metrics: Mapping[str, float]) -> None:
            del metrics
            progress.update(bar, description=stage, completed=done or None, total=total or None)

        with listening(move):
            yield


class _Lines:
    """Plain lines: one for what is newly done, and one now and then of how far it is."""

    def __init__(self) -> None:
        self._stage = ""
        self._last = 0.0

    def __call__(self, stage: str, done: int, total: int, metrics: Mapping[str, float]) -> None:
        """Print a line, unless one of the same stage was printed a moment ago."""
        del metrics
        if stage == self._stage and time.monotonic() - self._last < SECONDS_BETWEEN:
            return
        self._stage, self._last = stage, time.monotonic()
        print(f"{stage}: {size(done)} of {size(total) if total else '?'}" if done else stage, flush=True)
