"""`qamat data`: the public files that corpora and questions are made of."""

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli.byte_progress import showing_bytes
from flows.cli.options import DEFAULT_HOME, AsJson, Home
from flows.cli.output import print_fields, print_json, print_table, size
from flows.cli.overlap import overlap

if TYPE_CHECKING:
    from qamat_core.downloads import Fetched
    from schemas.sources import Source

app = typer.Typer(help="Public data sets: what there is, and fetching it.", no_args_is_help=True)
To = Annotated[Path | None, typer.Option("--to", help="The folder of the files (default: data, in the home).")]


@app.command("ls")
def ls(to: To = None, home: Home = DEFAULT_HOME, as_json: AsJson = False) -> None:
    """List the official sources: name, size, whether its SHA-256 is pinned, whether it is there, what reads it."""
    from schemas.sources import SOURCES

    folder = _folder(to, home)
    there = {name: _present(source, folder) for name, source in SOURCES.items()}
    then = {name: _then(source, folder / source.file) for name, source in SOURCES.items()}
    if as_json:
        rows = [
            source.model_dump(mode="json")
            | {"path": str(folder / source.file), "present": there[name], "then": then[name]}
            for name, source in SOURCES.items()
        ]
        print_json({"sources": rows})
        return
    columns = ("name", "holds", "size", "pinned", "present", "then")
    cells = [
        (
            name,
            source.holds,
            size(source.size) if source.size else "?",
            "pinned" if source.sha256 else "-",
            there[name],
            then[name] or "(no reader yet)",
        )
        for name, source in SOURCES.items()
    ]
    print_table(columns, cells)


app.command("overlap")(overlap)


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
            with showing_bytes():
                got = fetch_source(source, folder, mirror or None)
        except KeyboardInterrupt:
            print("qamat: stopped; the same command goes on where it was", file=sys.stderr)
            raise
        told = {"path": str(got.path), "pinned": bool(source.sha256), "then": _then(source, got.path)}
        done.append({"name": source.name, **asdict(got), **told})
        if not as_json:
            _print(source, got)
    if as_json:
        print_json({"files": done})


def _print(source: "Source", got: "Fetched") -> None:
    origin = f"pinned: {source.pinned_from}" if source.pinned_from else "not pinned: written beside the file"
    print_fields(
        {
            "file": got.path,
            "state": "was there, whole" if got.was_there else f"fetched, {size(got.received)} came now",
            "size": size(got.size),
            "sha256": f"{got.sha256} ({origin})",
            "licence": source.licence,
            "then": _then(source, got.path) or "nothing here reads it yet",
        }
    )


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
            return f"qamat train finetune --memory NAME --dataset {source.dataset} --path {path}"
        case "questions":
            return f"qamat evaluate --checkpoint NAME --dataset {source.dataset} --split {source.split} --path {path}"
        case form:
            return f"qamat corpus import {path} --format {form}"
