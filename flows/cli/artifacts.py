"""`qamat artifacts`: what the store holds, what it was made of, whether it is intact."""

import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from rich.tree import Tree

from flows.cli.garbage import collect
from flows.cli.options import DEFAULT_HOME, AsJson, Home
from flows.cli.output import print_fields, print_json, print_table, print_tree, size
from flows.cli.references import REFERENCE, find, open_store, reference_given
from flows.cli.tags import roll_back, show_tags, tag

if TYPE_CHECKING:
    from qamat_core.store.lineage import Lineage
    from qamat_core.store.registry import RegistryRow
    from qamat_core.store.store import Store
    from schemas.artifacts import ArtifactRef

app = typer.Typer(help="What the store holds, what it was made of, whether it is intact.", no_args_is_help=True)
app.command("tag")(tag)
app.command("tags")(show_tags)
app.command("rollback")(roll_back)
app.command("gc")(collect)

_VERSION = re.compile(r"@\d+")


def _later(text: str | None) -> str | None:
    if text is not None and not (_VERSION.fullmatch(text) or REFERENCE.fullmatch(text)):
        raise typer.BadParameter(f"{text!r} is no version: give @VERSION or KIND/NAME@VERSION")
    return text


def _checkpoint(text: str) -> str:
    reference = text if text.startswith("checkpoint/") else f"checkpoint/{text}"
    if not REFERENCE.fullmatch(reference):
        raise typer.BadParameter(f"{text!r} is no checkpoint: give NAME or NAME@VERSION")
    return reference


def _kind(text: str | None) -> str | None:
    from schemas.artifacts import KINDS

    if text is not None and text not in KINDS:
        raise typer.BadParameter(f"{text!r} is no kind: give one of {', '.join(KINDS)}")
    return text


def _name(text: str | None) -> str | None:
    from schemas.artifacts import NAME

    if text is not None and not re.fullmatch(NAME, text):
        raise typer.BadParameter(f"{text!r} is no name: give lower-case letters, digits and hyphens")
    return text


Reference = Annotated[str, typer.Argument(metavar="KIND/NAME[@VERSION]", callback=reference_given)]


@app.command("ls")
def list_artifacts(
    kind: Annotated[str | None, typer.Option(help="Only this kind, for example qa_pairs.", callback=_kind)] = None,
    name: Annotated[str | None, typer.Option(help="Only this name.", callback=_name)] = None,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """List every version, oldest first."""
    rows = [row for row in _rows(home) if kind in (None, row.ref.kind) and name in (None, row.ref.name)]
    tags = _tags(open_store(home)) if rows else {}
    if as_json:
        print_json({"artifacts": [_summary(row) | {"tags": tags.get(row.ref.key, [])} for row in rows]})
        return
    print_table(
        ["artifact", "rows", "files", "size", "seconds", "made", "content", "tags"],
        [
            [
                row.ref,
                row.rows,
                len(row.files),
                size(row.bytes),
                row.seconds,
                f"{row.created.astimezone():%Y-%m-%d %H:%M}",
                row.ref.content[:12],
                ", ".join(tags.get(row.ref.key, [])),
            ]
            for row in rows
        ],
    )


@app.command("show")
def show(reference: Reference, home: Home = DEFAULT_HOME, as_json: AsJson = False) -> None:
    """Show all that is known of one version."""
    store = open_store(home)
    row = find(store, reference)
    tags = _tags(store).get(row.ref.key, [])
    if as_json:
        print_json(_record(row) | {"tags": tags})
        return
    fields: dict[str, object] = {"artifact": row.ref, **_summary(row), "path": store.storage.address(row.ref.uri)}
    fields |= {"tags": ", ".join(tags)} if tags else {}
    fields |= {"read": row.read, "kept": row.kept, "rejected": row.rejected} if row.read else {}
    fields |= {f"input {label}": ref for label, ref in row.inputs.items()}
    fields |= {"module": row.module, "git commit": row.git_commit, "flow run": row.flow_run_id or "none"}
    fields |= {f"note {label}": value for label, value in row.notes.items()}
    print_fields(fields)
    print(json.dumps(json.loads(row.config), indent=2))


@app.command("lineage")
def show_lineage(reference: Reference, home: Home = DEFAULT_HOME, as_json: AsJson = False) -> None:
    """Show what a version was made of, down to its sources."""
    from qamat_core.store.lineage import lineage

    store = open_store(home)
    found = lineage(store, find(store, reference).ref)
    if as_json:
        rows = [found.row, *found.ancestors()]
        print_json(
            {
                "artifact": str(found.row.ref),
                "nodes": {
                    str(row.ref): {**_summary(row), "inputs": {label: str(ref) for label, ref in row.inputs.items()}}
                    for row in rows
                },
            }
        )
        return
    print_tree(_tree(found, "", Tree(""), set()).children[0])


@app.command("diff")
def diff(
    reference: Reference,
    later: Annotated[
        str | None, typer.Argument(metavar="[@VERSION|KIND/NAME[@VERSION]]", callback=_later, help="The later one.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="A Parquet file for all rows that differ.")] = None,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Show what two versions of a table differ in, by the id of its rows.

    With one reference: the newest version and the one before it; with KIND/NAME@VERSION, that one and the newest.
    """
    from flows.cli.differences import compare
    from qamat_core.store.differences import delta_schema

    store = open_store(home)
    before, after = _two_versions(store, reference, later)
    told = compare(store, before, after, out)
    if as_json:
        print_json({"before": str(before), "after": str(after), **told.counts, "out": str(out) if out else None})
        return
    print(f"{before} to {after}:", ", ".join(f"{count} {change}" for change, count in told.counts.items()))
    print_table(delta_schema(before.kind).names, told.first)


@app.command("verify")
def verify(
    reference: Annotated[str | None, typer.Argument(metavar="[KIND/NAME[@VERSION]]", callback=reference_given)] = None,
    discard: Annotated[
        bool, typer.Option("--discard", help="Forget what is damaged, so that the next run makes it again.")
    ] = False,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Recompute every SHA-256 and page checksum, of one version or of all.

    Exits 1 when something is damaged (0 with --discard, which mends it).
    """
    store = open_store(home)
    rows = [find(store, reference)] if reference else store.registry.rows()
    faults = {row.ref: store.faults(row) for row in rows}
    damaged = {ref: lines for ref, lines in faults.items() if lines}
    if discard and damaged:
        store.registry.remove([ref.key for ref in damaged])
    lines = [line for found in damaged.values() for line in found]
    if not as_json:
        print(*lines, f"{len(rows)} artifacts verified, {len(damaged)} damaged", sep="\n")
    else:
        print_json(
            {
                "verified": len(rows),
                "damaged": list(map(str, damaged)),
                "faults": lines,
                "discarded": len(damaged) if discard else 0,
            }
        )
    if damaged and not discard:
        print(f"qamat: {len(damaged)} of {len(rows)} artifacts are damaged, first {lines[0]}", file=sys.stderr)
        raise typer.Exit(1)


@app.command("export")
def export(
    checkpoint: Annotated[str, typer.Argument(metavar="NAME[@VERSION]", callback=_checkpoint)],
    form: Annotated[Literal["hf", "t5x"], typer.Option("--format", help="hf: what transformers loads; or t5x.")],
    out: Annotated[Path, typer.Option(help="The directory to write, a new one.")],
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Write a checkpoint with its tokenizer so that transformers or T5X loads it."""
    store = open_store(home)
    ref = find(store, checkpoint).ref

    from schemas.resources import Resources
    from tasks.export_checkpoint import run

    files = run(ref, form, out, resources=Resources(home=home))
    if as_json:
        print_json({"checkpoint": str(ref), "format": form, "out": str(out), "files": len(files)})
        return
    print_fields({"checkpoint": ref, "format": form, "out": out, "files": len(files)})


def _tags(store: "Store") -> dict[str, list[str]]:
    """Return the tags that name a version now, by its key."""
    from qamat_core.store.tags import current_tags

    named: dict[str, list[str]] = {}
    for name, held in current_tags(store.registry).items():
        named.setdefault(held.target.key, []).append(name)
    return named


def _rows(home: str) -> "list[RegistryRow]":
    from qamat_core.store.storage import open_storage

    return open_store(home).registry.rows() if open_storage(home).exists() else []


def _two_versions(store: "Store", reference: str, later: str | None) -> "tuple[ArtifactRef, ArtifactRef]":
    """Return the versions that a person names; without the later one, the newest, without any, the last two."""
    from schemas.errors import MissingArtifactError

    if later is not None:
        name = reference.partition("@")[0]
        return find(store, reference).ref, find(store, f"{name}{later}" if later[0] == "@" else later).ref
    newest = find(store, reference.partition("@")[0]).ref
    if "@" in reference:
        return find(store, reference).ref, newest
    earlier = [row.ref for row in store.registry.rows() if (row.ref.kind, row.ref.name) == (newest.kind, newest.name)]
    if len(earlier) == 1:
        raise MissingArtifactError(f"{newest} is the only version; name another table: KIND/NAME KIND/NAME")
    return sorted(earlier, key=lambda ref: ref.version)[-2], newest


def _summary(row: "RegistryRow") -> dict[str, object]:
    return {
        "kind": row.ref.kind,
        "name": row.ref.name,
        "version": row.ref.version,
        "rows": row.rows,
        "files": len(row.files),
        "bytes": row.bytes,
        "seconds": row.seconds,
        "created": row.created.isoformat(),
        "key": row.ref.key,
        "content": row.ref.content,
    }


def _record(row: "RegistryRow") -> dict[str, Any]:
    return {**row.model_dump(mode="json"), "config": json.loads(row.config), "rows": row.rows, "bytes": row.bytes}


def _tree(node: "Lineage", label: str, parent: Tree, shown: set[str]) -> Tree:
    """Add a lineage to a tree; what stands above already is named without its inputs."""
    row = node.row
    again = row.ref.key in shown and bool(node.inputs)
    counts = f"{row.rows} rows" if row.rows else size(row.bytes)
    branch = parent.add(f"{label}{row.ref}  ({counts}, {row.module}){'  see above' if again else ''}")
    if not again:
        shown.add(row.ref.key)
        for name, given in node.inputs.items():
            _tree(given, f"{name}: ", branch, shown)
    return parent


@app.command("card")
def write_card(
    reference: Reference,
    out: Annotated[Path | None, typer.Option(help="A file for the card, such as README.md; none to print it.")] = None,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Write the card of a checkpoint or of a memory (qa_pairs), as the Hugging Face hub reads them."""
    store = open_store(home)
    ref = find(store, reference).ref

    from qamat_core.cards.card import card
    from schemas.errors import InputError

    text = str(card(store, ref))
    if out is not None:
        try:
            out.write_text(text, encoding="utf-8")
        except OSError as error:
            raise InputError(f"{out}: cannot be written ({error.strerror}); give another --out") from error
    if as_json:
        print_json({"artifact": str(ref), "out": str(out) if out else None, "card": text})
    else:
        print(out if out else text)
