"""Readers of passages: the fields they take and the records they refuse."""

from pathlib import Path

import pytest

from qamat_core.readers.dpr_passages import read_dpr_passages
from qamat_core.readers.jsonl_passages import read_jsonl_passages
from schemas.records import Passage, Reject
from tests.qamat_core.readers.reading import read


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "passages"
    path.write_text(text)
    return path


def test_dpr_columns_are_unquoted_and_the_header_passed_over(tmp_path: Path) -> None:
    path = write(tmp_path, 'id\ttext\ttitle\n12\t"He said ""no"" to\tit."\t"The ""Title"""\n13\tPlain.\t\n')
    assert read(read_dpr_passages, path) == [
        Passage.of("psgs_w100", "12", 'The "Title"', 'He said "no" to\tit.'),
        Passage.of("psgs_w100", "13", "", "Plain."),
    ]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("1\t \tT", 'column "text" is empty'),
        ("\tx\tT", 'column "id" is empty'),
        ("1\tx", "2 columns where 3 are expected"),
        ("1\tx\tT\tmore", "4 columns where 3 are expected"),
        ('1\t"never closed\tT', "2 columns where 3 are expected"),
        ("1\t" + "x" * 200_000 + "\tT", "malformed columns: field larger than field limit (131072)"),
    ],
)
def test_dpr_rows_that_cannot_be_used(tmp_path: Path, line: str, reason: str) -> None:
    (item,) = read(read_dpr_passages, write(tmp_path, line))
    assert item == Reject("passages:1", line[:200], reason)


def test_jsonl_ids_are_given_or_hashed_from_the_content(tmp_path: Path) -> None:
    path = write(tmp_path, '{"id": 5, "title": "T", "text": "a"}\n{"id": "x", "text": "b"}\n{"text": "c"}\n')
    five, named, hashed = read(read_jsonl_passages, path, source="mine")
    assert (five, named) == (Passage.of("mine", "5", "T", "a"), Passage.of("mine", "x", "", "b"))
    assert isinstance(hashed, Passage)
    moved = read(read_jsonl_passages, write(tmp_path, '{"text": "c"}'), source="mine")
    assert moved == [hashed]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('{"text": "  "}', 'field "text" is empty'),
        ('{"title": "T"}', 'field "text" is missing or no text'),
        ('{"text": "a", "title": 3}', 'field "title" is no text'),
        ('{"text": "a", "id": true}', 'field "id" is missing or no text'),
        ('{"text": "a\\ud800"}', 'field "text" holds a lone surrogate'),
        ('["text"]', "expected an object, found list"),
    ],
)
def test_jsonl_rows_that_cannot_be_used(tmp_path: Path, line: str, reason: str) -> None:
    (item,) = read(read_jsonl_passages, write(tmp_path, line))
    assert item == Reject("passages:1", line, reason)
