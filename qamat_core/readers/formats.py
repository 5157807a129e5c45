"""Choosing a reader: by the ending of the name of a file or member (without .gz, .bz2), else by the first bytes.

Archives are read member by member; a member of no known format is a reject, a file of none an ``InputError``.
"""

import io
import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO, Final, TypeVar

from qamat_core.readers.archives import open_members
from qamat_core.readers.contexts import read_hotpotqa, read_musique
from qamat_core.readers.dpr_passages import read_dpr_passages
from qamat_core.readers.dpr_questions import read_dpr_questions, read_tsv_questions
from qamat_core.readers.json_questions import read_json_questions
from qamat_core.readers.jsonl_passages import read_jsonl_passages
from qamat_core.readers.lines import BadFileError
from qamat_core.readers.multihop_questions import multihop_form, read_musique_questions
from qamat_core.readers.nq_open import read_nq_open
from qamat_core.readers.squad import read_squad, read_squad_passages, read_squad_questions
from qamat_core.readers.streams import BUFFER_BYTES
from qamat_core.readers.triviaqa import TRIVIAQA
from qamat_core.readers.webquestions import WEBQUESTIONS, WEBQUESTIONS_SPLIT
from qamat_core.readers.wiki_vital import read_wiki_vital
from qamat_core.readers.wikipedia import read_wikipedia
from schemas.errors import InputError
from schemas.records import Annotation, Passage, QAExample, Reject

Record = TypeVar("Record", bound=Passage | Annotation | QAExample)
Read = Callable[[IO[bytes], str], Iterator[Record | Reject]]
"""Stream and the name that stands in rejects -> records."""

_PASSAGES: Final[Mapping[str, Read[Passage]]] = {
    "DPR TSV": read_dpr_passages,
    "JSONL": read_jsonl_passages,
    "SQuAD JSON": read_squad_passages,
    "HotpotQA JSON": read_hotpotqa,
    "MuSiQue JSONL": read_musique,
    "Wikipedia XML": read_wikipedia,
    "wiki-vital": read_wiki_vital,
}
_CORPORA: Final[Mapping[str, Read[Passage | Annotation]]] = {**_PASSAGES, "SQuAD JSON": read_squad}
_SQUAD: Final = re.compile(r'\{\s*"(data|version)"\s*:')
_KEYS: Final = {'"paragraph_text"': "MuSiQue JSONL", '"paragraphs"': "SQuAD JSON", '"extract"': "wiki-vital"}
"""What tells a file of objects whose name says nothing; the first that is found."""
_PASSAGE_ENDINGS: Final = ".tsv, .jsonl, .json, .xml"
_QUESTION_ENDINGS: Final = ".jsonl, .csv, .tsv, .json"
_TRIVIAQA: Final = re.compile(r'"Data"\s*:')
_LISTS: Final = {'"targetValue': "WebQuestions JSON", '"qText': "WebQuestions JSON, split"}
"""What tells a list of questions whose records are not HotpotQA's or MuSiQue's."""
_MUSIQUE: Final = re.compile(r'"(paragraphs|question_decomposition|answer_aliases)"\s*:')


def open_passages(path: Path) -> Iterator[Passage | Reject]:
    """Read passages from DPR TSV, JSONL, SQuAD, HotpotQA or MuSiQue (their paragraphs), Wikipedia XML, wiki-vital.

    Raises ``InputError`` for another format.
    """
    return _read(path, lambda ending, head: _PASSAGES.get(_passage_format(ending, head)), _PASSAGE_ENDINGS)


def open_corpus(path: Path) -> Iterator[Passage | Annotation | Reject]:
    """Read passages as ``open_passages`` does, and the annotations of SQuAD JSON with them."""
    return _read(path, lambda ending, head: _CORPORA.get(_passage_format(ending, head)), _PASSAGE_ENDINGS)


def open_questions(path: Path, dataset: str, split: str) -> Iterator[QAExample | Reject]:
    """Read questions as examples of a data set and split.

    Reads NQ-open and MuSiQue JSONL, DPR's ``*.qa.csv``, TSV of question and answer, JSON of TriviaQA, WebQuestions,
    HotpotQA, MuSiQue and SQuAD. Raises ``InputError`` for another format.
    """
    forms = {
        "TriviaQA JSON": TRIVIAQA,
        "WebQuestions JSON": WEBQUESTIONS,
        "WebQuestions JSON, split": WEBQUESTIONS_SPLIT,
        "JSON list": multihop_form(dataset),
    }
    of = {"dataset": dataset, "split": split}
    readers: dict[str, Read[QAExample]] = {
        "NQ-open JSONL": partial(read_nq_open, **of),
        "MuSiQue JSONL": partial(read_musique_questions, **of),
        "DPR CSV": partial(read_dpr_questions, **of),
        "TSV": partial(read_tsv_questions, **of),
        "SQuAD JSON": partial(read_squad_questions, **of),
        **{name: partial(read_json_questions, form=form, **of) for name, form in forms.items()},
    }
    return _read(path, lambda ending, head: readers.get(_question_format(ending, head)), _QUESTION_ENDINGS)


def _read(path: Path, choose: Callable[[str, str], Read[Record] | None], endings: str) -> Iterator[Record | Reject]:
    refused: list[Reject] = []
    for member, stream in open_members(path, refused.append):
        yield from refused
        refused.clear()
        name = member if member == path.name else f"{path.name}/{member}"
        read = choose(_ending(member), _head(stream))
        if read is not None:
            try:
                yield from read(stream, name)
            except BadFileError as error:
                raise InputError(f"{path.parent / name}: {error.reason}") from error
        elif member == path.name:
            raise InputError(f"{path}: format not recognised: give a file that ends in {endings} (or packed)")
        else:
            yield Reject(name, member, f"format not recognised: its name does not end in {endings}")
    yield from refused


def _ending(name: str) -> str:
    path = PurePosixPath(name.lower())
    return path.with_suffix("").suffix if path.suffix in (".gz", ".bz2") else path.suffix


def _head(stream: io.BufferedReader) -> str:
    return stream.peek(BUFFER_BYTES).decode(errors="replace").lstrip("\ufeff \t\r\n")


def _passage_format(ending: str, head: str) -> str:
    match ending:
        case ".tsv":
            return "DPR TSV"
        case ".jsonl":
            return "MuSiQue JSONL" if '"paragraphs"' in head else "JSONL"
        case ".json":
            return _json_format(head)
        case ".xml":
            return "Wikipedia XML"
        case _:
            return _format_by_head(head)


def _json_format(head: str) -> str:
    if head.startswith("["):
        return "HotpotQA JSON"
    return "wiki-vital" if '"extract"' in head and not _SQUAD.match(head) else "SQuAD JSON"


def _format_by_head(head: str) -> str:
    if head.startswith(("<mediawiki", "<?xml")):
        return "Wikipedia XML"
    if head.startswith("["):
        return "HotpotQA JSON"
    if head.startswith("{"):
        return next((form for key, form in _KEYS.items() if key in head), "JSONL")
    return "DPR TSV" if head.startswith("id\t") else ""


def _question_format(ending: str, head: str) -> str:
    match ending:
        case ".jsonl":
            return "MuSiQue JSONL" if _MUSIQUE.search(head) else "NQ-open JSONL"
        case ".csv":
            return "DPR CSV"
        case ".tsv":
            return "TSV"
        case ".json":
            return _json_questions(head)
        case _:
            return _questions_by_head(head)


def _json_questions(head: str) -> str:
    if not head.startswith("["):
        return "TriviaQA JSON" if _TRIVIAQA.search(head) else "SQuAD JSON"
    return next((form for key, form in _LISTS.items() if f'{key}":' in head), "JSON list")


def _questions_by_head(head: str) -> str:
    if head.startswith("[") or _TRIVIAQA.search(head) or _SQUAD.match(head):
        return _json_questions(head)
    if head.startswith("{"):
        return _question_format(".jsonl", head)
    first = head.partition("\n")[0]
    return "DPR CSV" if "\t[" in first else "TSV" if first.count("\t") == 1 else ""
