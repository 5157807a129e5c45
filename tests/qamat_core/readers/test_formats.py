"""Choosing a reader, and the real files that the readers are for."""

import gzip
import os
from pathlib import Path

import pytest

from qamat_core.readers.accounting import read_all
from qamat_core.readers.formats import open_corpus, open_passages, open_questions
from schemas.errors import InputError
from schemas.records import Annotation, Passage

DATA = Path(os.environ.get("QAMAT_SHARED_DATA", "../shared/data"))
PASSAGE_FILES = {
    "tsv": b"id\ttext\ttitle\n1\tA city.\tParis\n",
    "jsonl": b'{"id": "1", "title": "Paris", "text": "A city."}\n',
    "json": b'{"data": [{"title": "Paris", "paragraphs": [{"context": "A city.", "qas": []}]}]}',
}
QUESTION_FILES = {"jsonl": b'{"question": "who", "answer": ["Bo"]}\n', "csv": b"who\t['Bo']\n"}


def shared(name: str) -> Path:
    path = DATA / name
    if not path.exists():
        pytest.skip(f"{path} is missing: set QAMAT_SHARED_DATA to the folder of shared data")
    return path


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("named", [False, True])
@pytest.mark.parametrize("form", sorted(PASSAGE_FILES))
def test_passages_by_name_or_first_bytes(tmp_path: Path, form: str, named: bool, packed: bool) -> None:
    path = tmp_path / ("file" + (f".{form}" if named else "") + (".gz" if packed else ""))
    path.write_bytes(gzip.compress(PASSAGE_FILES[form]) if packed else PASSAGE_FILES[form])
    (passage,) = open_passages(path)
    assert isinstance(passage, Passage)
    assert (passage.title, passage.text) == ("Paris", "A city.")


@pytest.mark.parametrize("named", [False, True])
@pytest.mark.parametrize("form", sorted(QUESTION_FILES))
def test_questions_by_name_or_first_bytes(tmp_path: Path, form: str, named: bool) -> None:
    path = tmp_path / ("file" + (f".{form}" if named else ""))
    path.write_bytes(QUESTION_FILES[form])
    assert [example.answers for example in read_all(open_questions(path, "nq", "dev"), "f").records] == [("Bo",)]


@pytest.mark.parametrize("content", [b"", b"\0\0\0", b"just words"])
def test_an_unknown_format_is_refused_with_the_known_ones(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "file.bin"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"format not recognised: give a file that ends in .tsv, .jsonl, .json"):
        list(open_passages(path))
    with pytest.raises(InputError, match=r"format not recognised: give a file that ends in .jsonl, .csv"):
        list(open_questions(path, "nq", "dev"))


def test_real_dpr_passages_are_read_whole() -> None:
    result = read_all(open_passages(shared("passages/psgs_w100_subset.tsv")), "psgs")
    assert (len(result.records), result.rejects) == (9300, [])
    assert (result.records[0].source_id, result.records[0].text[:25]) == ("2747", "Massachusetts Bay Colony.")
    assert result.records[0].title.strip('"') == result.records[0].title


@pytest.mark.parametrize(
    ("name", "questions"),
    [
        ("nq_open/NQ-open.dev.jsonl", 3610),
        ("dpr/nq-dev.qa.csv", 8757),
        ("dpr/nq-test.qa.csv", 3610),
        ("dpr/trivia-dev.qa.csv", 8837),
        ("dpr/trivia-test.qa.csv", 11313),
    ],
)
def test_real_questions_are_read_whole(name: str, questions: int) -> None:
    result = read_all(open_questions(shared(name), "real", "dev"), name)
    assert (len(result.records), result.rejects) == (questions, [])


def test_nq_test_is_the_same_in_both_forms() -> None:
    jsonl = read_all(open_questions(shared("nq_open/NQ-open.dev.jsonl"), "nq", "test"), "jsonl").records
    csv = read_all(open_questions(shared("dpr/nq-test.qa.csv"), "nq", "test"), "csv").records
    asked = {example.question.replace(" ", "") for example in jsonl}
    assert len(asked & {example.question.replace(" ", "") for example in csv}) > 3500


def test_real_squad_spans_stand_in_their_passages() -> None:
    result = read_all(open_corpus(shared("squad/train-v1.1-part.json")), "squad")
    texts = {record.passage_id: record.text for record in result.records if isinstance(record, Passage)}
    asked = [record for record in result.records if isinstance(record, Annotation)]
    assert (len(texts), len(asked), result.rejects) == (6793, 21212, [])
    assert all(texts[item.passage_id].startswith(item.answers[0], item.start) for item in asked)


def test_real_squad_dev_repeats_a_few_questions() -> None:
    result = read_all(open_corpus(shared("squad/dev-v1.1-rebuilt.json")), "squad")
    assert result.read == 2094 + 10561
    assert all(reject.reason.startswith("duplicate id") for reject in result.rejects)
    assert len(result.rejects) < 50
