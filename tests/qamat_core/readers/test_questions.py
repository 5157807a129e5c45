"""Readers of questions: the answers they take and the records they refuse."""

from pathlib import Path

import pytest

from qamat_core.readers.dpr_questions import read_dpr_questions
from qamat_core.readers.nq_open import read_nq_open
from schemas.records import QAExample, Reject
from tests.qamat_core.readers.reading import read


def test_nq_open(tmp_path: Path) -> None:
    path = tmp_path / "q"
    path.write_text('{"question": "who", "answer": ["Bo", "Bob", "Bo"]}\n')
    assert read(read_nq_open, path, "nq", "test") == [QAExample.of("who", ("Bo", "Bob"), "nq", "test")]


def test_dpr_questions_quoted_as_in_csv(tmp_path: Path) -> None:
    path = tmp_path / "q"
    path.write_text('"who said ""no"""\t[\'Bo\', "O\'Neil"]\n')
    assert read(read_dpr_questions, path, "nq", "dev") == [QAExample.of('who said "no"', ("Bo", "O'Neil"), "nq", "dev")]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('{"question": "who", "answer": []}', "no list of answers"),
        ('{"question": "who", "answer": "Bo"}', "no list of answers"),
        ('{"question": "who", "answer": [""]}', "an answer is empty"),
        ('{"question": "who", "answer": [3]}', "an answer is missing or no text"),
        ('{"answer": ["Bo"]}', 'field "question" is missing or no text'),
    ],
)
def test_nq_open_rows_that_cannot_be_used(tmp_path: Path, line: str, reason: str) -> None:
    path = tmp_path / "q"
    path.write_text(line)
    assert read(read_nq_open, path, "nq", "dev") == [Reject("q:1", line, reason)]


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        ("__import__('os').getcwd()", "the answers are no Python list"),
        ("['Bo'", "the answers are no Python list"),
        ("(" * 3000, "the answers are no Python list"),
        ("['a\\x00'", "the answers are no Python list"),
        ("{'Bo'}", "no list of answers"),
        ("[]", "no list of answers"),
        ("['\\ud800']", "an answer holds a lone surrogate"),
    ],
)
def test_dpr_answers_that_cannot_be_used_are_not_run(tmp_path: Path, answers: str, reason: str) -> None:
    path = tmp_path / "q"
    path.write_text(f"who\t{answers}\n")
    (item,) = read(read_dpr_questions, path, "nq", "dev")
    assert isinstance(item, Reject)
    assert item.reason.startswith(reason)
