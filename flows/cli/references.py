"""How people name a version on the command line: KIND/NAME, or KIND/NAME@VERSION."""

import re
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from qamat_core.store.registry import RegistryRow
    from qamat_core.store.store import Store

REFERENCE = re.compile(r"([a-z_]+)/([a-z0-9][a-z0-9-]*)(?:@(\d+))?")


def reference_given(text: str | None) -> str | None:
    """Return what was given, if it names a version."""
    if text is not None and not REFERENCE.fullmatch(text):
        raise typer.BadParameter(f"{text!r} is no artifact: give KIND/NAME or KIND/NAME@VERSION")
    return text


def open_store(home: str) -> "Store":
    """Open a home that must be there already."""
    from flows.lookup import open_home

    return open_home(home)


def find(store: "Store", reference: str) -> "RegistryRow":
    """Return the row of a version, the newest where none is named."""
    match = REFERENCE.fullmatch(reference)
    assert match is not None, "checked by reference_given"
    kind, name, version = match.groups()
    return store.registry.newest(kind, name, int(version) if version else None)
