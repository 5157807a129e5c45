"""Choosing the reader of a question-answer corpus, and reading the files of it, packed or in archives."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO, Final

from qamat_core.readers.archives import open_members
from qamat_core.readers.pairs_opentriviaqa import read_opentriviaqa
from qamat_core.readers.pairs_paq import read_paq
from qamat_core.readers.pairs_plain import read_jsonl_pairs, read_tsv_pairs
from qamat_core.readers.pairs_records import ImportedPair
from schemas.corpus import PairFormat
from schemas.errors import InputError
from schemas.records import Reject

READERS: Final[Mapping[PairFormat, Callable[[str, BinaryIO], Iterator[ImportedPair | Reject]]]] = MappingProxyType(
    {
        "paq": read_paq,
        "jsonl": read_jsonl_pairs,
        "tsv": read_tsv_pairs,
        "opentriviaqa": read_opentriviaqa,
    }
)
_HEAD_BYTES: Final = 4096
_OTHERS: Final = ("license", "readme", "readme.md", "license.txt", "readme.txt")
"""Members of an archive that are no corpus, in lower case."""


def read_pairs(path: Path, form: PairFormat) -> Iterator[ImportedPair | Reject]:
    """Read a file, or each member of an archive, in order; a member that is refused becomes a reject.

    Raises:
        InputError: the file is missing or damaged, or a TSV without its header line.
    """
    refused: list[Reject] = []
    for name, file in open_members(path, refused.append):
        yield from _taken(refused)
        if name == path.name or not _beside(name):
            yield from READERS[form](name, file)
    yield from _taken(refused)


def pair_format(path: Path) -> PairFormat:
    """Tell the format of a file from its first bytes. PAQ's filtered form is told by "PAQ" in a file's name.

    Raises:
        InputError: the file cannot be read, or its format is not known.
    """
    for name, file in open_members(path, [].append):
        head = file.read(_HEAD_BYTES).decode(errors="replace").lstrip("\ufeff \t\r\n")
        if not _beside(name) and (found := _format_of(head, Path(name).name)):
            return found
    raise InputError(f"{path}: format not recognised: give --format {', '.join(READERS)}")


def _beside(name: str) -> bool:
    return Path(name).name.lower() in _OTHERS


def _taken(refused: list[Reject]) -> Iterator[Reject]:
    """Empty the list of members that were refused since the last look."""
    yield from refused
    refused.clear()


def _format_of(head: str, name: str) -> PairFormat | None:
    line = head.partition("\n")[0]
    if line.startswith("{"):
        return "paq" if '"subsets"' in line or '"passage_score"' in line or "PAQ" in name else "jsonl"
    if line.startswith("#Q"):
        return "opentriviaqa"
    return "tsv" if {"question", "answer"} <= set(line.rstrip("\r").split("\t")) else None
