"""Where an order may read and write: on a machine that takes orders from others, below its roots alone.

``QAMAT_ROOTS`` names directories and places of object stores (``s3://bucket/path``), with commas between them; the
machine's own home, ``QAMAT_HOME``, counts as one. Where it is not set, as on the command line of a person's own
machine, every place is allowed that the person may read or write.
"""

import os
import re
from pathlib import Path
from typing import Annotated, Final

from pydantic import AfterValidator, Field

from schemas.artifacts import NAME

ROOTS: Final = "QAMAT_ROOTS"
WIKI_VITAL: Final = "wiki-vital"
"""What stands in the place of a path for the passages of a package (``qamat_core.readers.wiki_vital``)."""
HUB_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._-]*")
"""The form of a hub id, ``org/name``."""
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")


def roots() -> list[str]:
    """Return the roots of this machine; none where every place is allowed."""
    return [root.strip() for root in os.environ.get(ROOTS, "").split(",") if root.strip()]


def allowed(place: str) -> str:
    """Return a path or an address of an object store if it may be read and written.

    Links are followed first; a path that goes up and down again counts as what it comes to.

    Raises:
        ValueError: it lies under none of the roots, or has control characters.
    """
    if _CONTROL.search(place):
        raise ValueError("a path has no control characters")
    named = roots()
    own = [home] if named and (home := os.environ.get("QAMAT_HOME")) else []
    if named and not any(_lies_under(place, root) for root in [*named, *own]):
        raise ValueError(f"lies under none of {ROOTS} ({', '.join(named)}); give a place below one of them")
    return place


def apart(out: str | None, home: str) -> None:
    """Refuse a folder for files of one's own that lies among the artifacts, which never change.

    Raises:
        ValueError: it lies in the home, or in another one.
    """
    if out is None:
        return
    real = Path(os.path.realpath(out))
    if _lies_under(out, home) or any((place / "registry" / "_delta_log").exists() for place in (real, *real.parents)):
        raise ValueError(f"out: {out} lies in a home, among artifacts that never change: give a folder beside it")


def allowed_passages(place: str) -> str:
    """As ``allowed``, for a file of passages or the name of a public corpus."""
    return place if place == WIKI_VITAL else allowed(place)


def allowed_model(place: str) -> str:
    """As ``allowed``, for a directory of a model or its id on the hub: org/name."""
    return place if HUB_ID.fullmatch(place) and not Path(place).exists() else allowed(place)


def allowed_questions(place: str) -> str:
    """As ``allowed``, for a file of questions or the name under which some are registered."""
    return place if re.fullmatch(NAME, place) and not Path(place).exists() else allowed(place)


def _lies_under(place: str, root: str) -> bool:
    if "://" in place or "://" in root:
        parts = place.split("/")
        plain = ".." not in parts and "." not in parts and "%" not in place
        return plain and (place == root or place.startswith(f"{root.rstrip('/')}/"))
    return Path(os.path.realpath(place)).is_relative_to(os.path.realpath(root))


Place = Annotated[str, Field(min_length=1), AfterValidator(allowed)]
"""A path on the worker's machine, or an address in an object store."""
QuestionsPlace = Annotated[str, Field(min_length=1), AfterValidator(allowed_questions)]
"""A file of questions on the worker's machine, or the name of registered ones."""
PassagesPlace = Annotated[str, Field(min_length=1), AfterValidator(allowed_passages)]
"""A file of passages on the worker's machine, or wiki-vital."""
ModelPlace = Annotated[str, Field(min_length=1), AfterValidator(allowed_model)]
"""A directory of a model on the worker's machine, or a hub id."""
