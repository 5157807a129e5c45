"""SQuAD 1.1 and 2.0."""

import json
from pathlib import Path

import pytest

from qamat_core.readers.accounting import read_all
from qamat_core.readers.squad import UNANSWERABLE, read_squad, read_squad_passages
from schemas.errors import InputError
from schemas.records import Annotation, Passage, Reject
from tests.qamat_core.readers.reading import read

CONTEXT = "Rome is old. Rome is big."


def question(text: str, *spans: tuple[str, object], **more: object) -> dict[str, object]:
    answers = [{"text": answer, "answer_start": start} for answer, start in spans]
    return {"id": text, "question": text, "answers": answers, **more}


def write(tmp_path: Path, *qas: object, context: object = CONTEXT) -> Path:
    path = tmp_path / "s.json"
    article = {"title": "The_City", "paragraphs": [{"context": context, "qas": list(qas)}]}
    path.write_text(json.dumps({"version": "2.0", "data": [article]}))
    return path


def test_passages_and_annotations(tmp_path: Path) -> None:
    path = write(tmp_path, question("how big", ("big", 21), ("Rome is big", 13), ("big", 21)))
    passage = Passage.of("squad", "The City/0", "The City", CONTEXT)
    annotation = Annotation.of(passage.passage_id, "how big", ("big", "Rome is big"), 21)
    assert read(read_squad, path) == [passage, annotation]
    assert read(read_squad_passages, path) == [passage]


def test_unanswerable_questions_are_listed_but_no_fault(tmp_path: Path) -> None:
    qas = [question(f"q{n}", is_impossible=True) for n in range(9)]
    result = read_all(read(read_squad, write(tmp_path, *qas, question("how", ("old", 8)))), "s.json")
    assert len(result.records) == 2
    assert [reject.reason for reject in result.rejects] == [UNANSWERABLE] * 9
    assert result.read == 11


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (question("q", ("old", 9)), "the answer is not in its passage at answer_start 9"),
        (question("q", ("old", -17)), "the answer is not in its passage at answer_start -17"),
        (question("q", ("old", 999)), "the answer is not in its passage at answer_start 999"),
        (question("q", ("old", 8), ("new", 3)), "the answer is not in its passage at answer_start 3"),
        (question("q", ("old", "8")), 'field "answer_start" is missing or no number'),
        (question("", ("old", 8)), 'field "question" is empty'),
        ({"question": "q"}, 'field "answers" is missing or no list'),
        ("q", "expected an object, found str"),
    ],
)
def test_questions_that_cannot_be_used(tmp_path: Path, record: object, reason: str) -> None:
    _, item = read(read_squad, write(tmp_path, record))
    assert isinstance(item, Reject)
    assert (item.source, item.reason) == ("s.json:data[0].paragraphs[0].qas[0]", reason)


def test_questions_go_with_their_rejected_passage(tmp_path: Path) -> None:
    items = read(read_squad, write(tmp_path, question("a", ("x", 0)), question("b", ("x", 0)), context=" "))
    assert [item.reason for item in items if isinstance(item, Reject)] == [
        'field "context" is empty',
        'its passage was rejected: field "context" is empty',
        'its passage was rejected: field "context" is empty',
    ]
    assert len(items) == 3


def test_the_same_question_at_the_same_place_is_a_duplicate(tmp_path: Path) -> None:
    items = read(read_squad, write(tmp_path, question("a", ("old", 8)), question("a", ("old", 8))))
    assert isinstance(items[2], Reject)
    assert "duplicate id" in items[2].reason


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"data": 1}', b"\xff\xff", b"[" * 100_000])
def test_what_is_no_squad_json_is_one_clear_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "s.json"
    path.write_bytes(content)
    with pytest.raises(InputError, match="no SQuAD JSON") as caught:
        read(read_squad, path)
    assert path.name in str(caught.value)


def test_a_file_beyond_the_bound_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="larger than 10 bytes"):
        read(read_squad, write(tmp_path), max_bytes=10)
