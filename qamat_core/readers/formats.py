"""Choosing a file's reader: by its name's ending (without .gz), else by its first bytes."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final, TypeVar

from qamat_core.readers.dpr_passages import read_dpr_passages
from qamat_core.readers.dpr_questions import read_dpr_questions
from qamat_core.readers.jsonl_passages import read_jsonl_passages
from qamat_core.readers.lines import open_bytes
from qamat_core.readers.nq_open import read_nq_open
from qamat_core.readers.squad import read_squad, read_squad_passages
from schemas.errors import InputError
from schemas.records import Annotation, Passage, QAExample, Reject

_HEAD_BYTES: Final = 4096

Reader = TypeVar("Reader")


def open_passages(path: Path) -> Iterator[Passage | Reject]:
    """Read passages from DPR TSV, JSONL or SQuAD JSON (its paragraphs). Raises ``InputError`` for another format."""
    return _choose(path, _PASSAGES, _passage_format)(path)


def open_corpus(path: Path) -> Iterator[Passage | Annotation | Reject]:
    """Read passages as ``open_passages`` does, and the annotations of SQuAD JSON with them."""
    return _choose(path, _CORPORA, _passage_format)(path)


def open_questions(path: Path, dataset: str, split: str) -> Iterator[QAExample | Reject]:
    """Read questions from NQ-open JSONL or DPR's ``*.qa.csv``. Raises ``InputError`` for another format."""
    return _choose(path, _QUESTIONS, _question_format)(path, dataset, split)


_PASSAGES: Final[Mapping[str, Callable[[Path], Iterator[Passage | Reject]]]] = MappingProxyType(
    {".tsv": read_dpr_passages, ".jsonl": read_jsonl_passages, ".json": read_squad_passages}
)
_CORPORA: Final[Mapping[str, Callable[[Path], Iterator[Passage | Annotation | Reject]]]] = MappingProxyType(
    {".tsv": read_dpr_passages, ".jsonl": read_jsonl_passages, ".json": read_squad}
)
_QUESTIONS: Final[Mapping[str, Callable[[Path, str, str], Iterator[QAExample | Reject]]]] = MappingProxyType(
    {".jsonl": read_nq_open, ".csv": read_dpr_questions}
)


def _choose(path: Path, readers: Mapping[str, Reader], sniff: Callable[[str], str]) -> Reader:
    name = path.with_suffix("") if path.suffix == ".gz" else path
    with open_bytes(path) as file:
        head = file.read(_HEAD_BYTES).decode(errors="replace").lstrip("\ufeff \t\r\n")
    form = name.suffix.lower() if name.suffix.lower() in readers else sniff(head)
    if form not in readers:
        raise InputError(f"{path}: format not recognised: give a file that ends in {', '.join(readers)} (or .gz of it)")
    return readers[form]


def _passage_format(head: str) -> str:
    if head.startswith("{"):
        return ".json" if '"paragraphs"' in head else ".jsonl"
    return ".tsv" if head.startswith("id\t") else ""


def _question_format(head: str) -> str:
    if head.startswith("{"):
        return ".jsonl"
    return ".csv" if "\t[" in head.partition("\n")[0] else ""
