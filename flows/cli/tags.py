"""`qamat artifacts tag`, `tags`, `rollback`: names for the version that is in use."""

from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli.options import DEFAULT_HOME, AsJson, Home
from flows.cli.output import print_json, print_table
from flows.cli.references import find, open_store, reference_given

if TYPE_CHECKING:
    from qamat_core.store.tags import Tag

TagName = Annotated[str, typer.Argument(metavar="TAG", help="Lower-case letters, digits and hyphens.")]


def tag(
    name: TagName,
    reference: Annotated[str, typer.Argument(metavar="KIND/NAME[@VERSION]", callback=reference_given)],
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Let a tag name a version from now on, whatever it named before; `qamat promote` asks a gate first."""
    from qamat_core.store.tags import move_tag

    store = open_store(home)
    _print(move_tag(store.registry, name, find(store, reference).ref), as_json=as_json)


def show_tags(
    name: Annotated[str | None, typer.Argument(metavar="[TAG]", help="Show all that this one ever named.")] = None,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """List the tags with what they name, or one tag's moves, oldest first."""
    from qamat_core.store.tags import current_tags, find_tag, history

    registry = open_store(home).registry
    if name is not None:
        find_tag(registry, name)
    tags = list(current_tags(registry).values()) if name is None else history(registry, name)
    if as_json:
        print_json({"tags": [_record(one) for one in tags]})
        return
    print_table(
        ["tag", "move", "names", "by", "since"],
        [[one.name, one.number, one.target, one.why, f"{one.created.astimezone():%Y-%m-%d %H:%M}"] for one in tags],
    )


def roll_back(name: TagName, home: Home = DEFAULT_HOME, as_json: AsJson = False) -> None:
    """Let a tag name what it named before; again, what it named before that."""
    from qamat_core.store.tags import roll_back as back

    _print(back(open_store(home).registry, name), as_json=as_json)


def _print(tag: "Tag", *, as_json: bool) -> None:
    if as_json:
        print_json(_record(tag))
    else:
        print(f"{tag.name} names {tag.target}")


def _record(tag: "Tag") -> dict[str, object]:
    return {
        "tag": tag.name,
        "move": tag.number,
        "names": str(tag.target),
        "key": tag.target.key,
        "content": tag.target.content,
        "by": tag.why,
        "verdict": str(tag.verdict) if tag.verdict else None,
        "since": tag.created.isoformat(),
    }
