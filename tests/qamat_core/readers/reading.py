"""Reading a file with one reader, for the tests of readers."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from qamat_core.readers.streams import open_bytes


def read(reader: Callable[..., Iterator[Any]], path: Path, *arguments: object, **options: object) -> list[Any]:
    """Return all that a reader gives of a file, packed or not."""
    with open_bytes(path) as stream:
        return list(reader(stream, path.name, *arguments, **options))
