"""`qamat artifacts gc`: removes what no version has and no running job holds."""

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli.options import DEFAULT_HOME, AsJson, Home
from flows.cli.output import print_json, print_table, size
from flows.cli.references import open_store

if TYPE_CHECKING:
    from qamat_core.store.collecting import Item


def collect(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Remove nothing, only tell what would be.")] = False,
    older_than: Annotated[
        float | None,
        typer.Option(
            min=0,
            metavar="HOURS",
            help="Leave alone what was changed since (default: 0 where locks tell who is at work, 24 in an object "
            "store or on a shared file system, 168 for the work of a job that was stopped).",
        ),
    ] = None,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Remove what killed runs left: files that no version has, work of jobs that ended."""
    from qamat_core.store.collecting import collect

    wait = None if older_than is None else timedelta(hours=older_than)
    found = collect(open_store(home), older_than=wait, dry_run=dry_run)
    if as_json:
        told = {"removed": [*map(_record, found.removed)], "kept": [*map(_record, found.kept)]}
        print_json({"dry_run": dry_run, "bytes": found.bytes, **told})
        return
    verb = "would remove" if dry_run else "removed"
    lines = [_line(verb, item) for item in found.removed] + [_line("kept", item) for item in found.kept]
    print_table(["", "what", "files", "size", "why"], lines)
    print(f"{verb} {len(found.removed)} directories, {size(found.bytes)}; kept {len(found.kept)}")


def _line(verb: str, item: "Item") -> list[object]:
    return [verb, f"{item.place}/{item.path}", item.files, size(item.bytes), item.why]


def _record(item: "Item") -> dict[str, object]:
    return item._asdict()
