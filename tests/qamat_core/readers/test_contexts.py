"""HotpotQA's and MuSiQue's paragraphs: each once, every repeat and every fault counted."""

import json
from collections import Counter
from pathlib import Path

import pytest

from qamat_core.readers.accounting import read_all
from qamat_core.readers.contexts import REPEATED, read_hotpotqa, read_musique
from qamat_core.readers.formats import open_passages
from schemas.errors import InputError
from schemas.records import Passage, Reject
from schemas.tables import stable_id
from tests.qamat_core.readers.reading import read

ROME = ["Rome", ["Rome is old.", " It is big."]]
PARIS = ["Paris", ["Paris is new."]]
MUSIQUE_ROME = {"idx": 0, "title": "Rome", "paragraph_text": "Rome is old.", "is_supporting": True}


def hotpotqa(tmp_path: Path, *records: object) -> Path:
    path = tmp_path / "h.json"
    path.write_text(json.dumps(records))
    return path


def musique(tmp_path: Path, *records: object) -> Path:
    path = tmp_path / "m.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


def test_hotpotqa_paragraphs_come_once(tmp_path: Path) -> None:
    path = hotpotqa(tmp_path, {"_id": "1", "context": [ROME, PARIS]}, {"_id": "2", "context": [PARIS, ROME]})
    result = read_all(open_passages(path), "h.json")
    assert result.records == [
        Passage.of("hotpotqa", "Rome", "Rome", "Rome is old. It is big."),
        Passage.of("hotpotqa", "Paris", "Paris", "Paris is new."),
    ]
    assert result.rejects == [
        Reject("h.json:[1].context[0]", "Paris", REPEATED),
        Reject("h.json:[1].context[1]", "Rome", REPEATED),
    ]


def test_musique_paragraphs_come_once(tmp_path: Path) -> None:
    path = musique(tmp_path, {"id": "2hop", "paragraphs": [MUSIQUE_ROME]}, {"id": "x", "paragraphs": [MUSIQUE_ROME]})
    result = read_all(open_passages(path), "m.jsonl")
    assert result.records == [Passage.of("musique", stable_id("Rome", "Rome is old."), "Rome", "Rome is old.")]
    assert result.rejects == [Reject("m.jsonl:2.paragraphs[0]", "Rome", REPEATED)]


@pytest.mark.parametrize(
    ("record", "place", "reason"),
    [
        (3, "[0]", "expected an object, found int"),
        ({}, "[0]", 'field "context" is missing or no list'),
        ({"context": []}, "[0]", 'field "context" is empty'),
        ({"context": [["T"]]}, "[0].context[0]", "no pair of a title and a list of sentences"),
        ({"context": [["T", "text"]]}, "[0].context[0]", "no pair of a title and a list of sentences"),
        ({"context": [["T", [3]]]}, "[0].context[0]", "a sentence is no text"),
        ({"context": [["T", [" "]]]}, "[0].context[0]", "the paragraph is empty"),
        ({"context": [["", ["a"]]]}, "[0].context[0]", "the title is empty"),
        ({"context": [["T", ["\ud800"]]]}, "[0].context[0]", "the paragraph holds a lone surrogate"),
    ],
)
def test_hotpotqa_records_that_cannot_be_used(tmp_path: Path, record: object, place: str, reason: str) -> None:
    (item,) = read(read_hotpotqa, hotpotqa(tmp_path, record))
    assert (item.source, item.reason) == (f"h.json:{place}", reason)


@pytest.mark.parametrize(
    ("record", "place", "reason"),
    [
        ([], "1", "expected an object, found list"),
        ({"paragraphs": []}, "1", 'field "paragraphs" is empty'),
        ({"paragraphs": ["T"]}, "1.paragraphs[0]", "expected an object, found str"),
        ({"paragraphs": [{"title": "T"}]}, "1.paragraphs[0]", 'field "paragraph_text" is missing or no text'),
    ],
)
def test_musique_records_that_cannot_be_used(tmp_path: Path, record: object, place: str, reason: str) -> None:
    (item,) = read(read_musique, musique(tmp_path, record))
    assert (item.source, item.reason) == (f"m.jsonl:{place}", reason)


@pytest.mark.parametrize("content", [b"", b"[", b"{}", b"\xff[]", b"[" * 100_000])
def test_what_is_no_hotpotqa_json_is_one_clear_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "h.json"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"h\.json: no HotpotQA JSON"):
        read(read_hotpotqa, path)


def test_a_file_beyond_the_bound_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="larger than 10 bytes"):
        read(read_hotpotqa, hotpotqa(tmp_path, {"context": [ROME]}), max_bytes=10)


@pytest.mark.parametrize("name", ["hotpot_dev100", "hotpot_dev500", "hotpot_train100"])
def test_real_hotpotqa_is_accounted_for(shared_data: Path, name: str) -> None:
    path = shared_data / "hotpotqa" / f"{name}_distractor.json"
    records = json.loads(path.read_text())
    result = read_all(open_passages(path), name)
    given = Counter((title, "".join(text).strip()) for record in records for title, text in record["context"])
    assert {(passage.title, passage.text) for passage in result.records} == set(given)
    assert len(result.records) == len(given)
    without = sum(1 for record in records if not record["context"])
    assert result.read == given.total() + without


def test_real_musique_is_accounted_for(shared_data: Path) -> None:
    path = shared_data / "musique" / "musique_ans_train100.jsonl"
    records = [json.loads(line) for line in path.read_text().splitlines()]
    given = Counter((p["title"], p["paragraph_text"].strip()) for record in records for p in record["paragraphs"])
    result = read_all(open_passages(path), "musique")
    assert {(passage.title, passage.text) for passage in result.records} == set(given)
    assert (len(result.records), result.read) == (len(given), given.total())
