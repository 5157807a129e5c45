"""The official files of the question sets, read by their name and head."""

import gzip
import json
from pathlib import Path

import pytest

from qamat_core.readers.accounting import read_all
from qamat_core.readers.formats import open_questions
from qamat_core.readers.multihop_questions import MORE_HOPS
from qamat_core.readers.squad import UNANSWERABLE
from schemas.errors import InputError, RejectLimitError
from schemas.records import QAExample, Reject
from tests.qamat_core.readers.test_formats import shared

TRIVIA = {"Value": "Sinclair Lewis", "Aliases": ["Grace Hegger", "Lewis"], "NormalizedAliases": ["lewis", "h s lewis"]}
WEBQ = {"url": "u", "utterance": "who ", "targetValue": r'(list (description "A \"B\" (C)") (description Bahamas))'}
HOTPOT = {"_id": "5a", "question": "who", "answer": "yes", "type": "comparison", "context": [["T", ["A.", " B."]]]}
MUSIQUE = {"id": "2hop__1_2", "question": "who", "answer": "Bo", "answer_aliases": ["Bob"], "answerable": True}
QAS = [{"question": "who", "answers": [{"text": "Rome", "answer_start": 0}]}]
SQUAD = {"version": "1.1", "data": [{"title": "T", "paragraphs": [{"context": "Rome is old.", "qas": QAS}]}]}
FILES: dict[str, tuple[str, object, tuple[str, ...]]] = {
    "trivia.json": (
        "triviaqa",
        {
            "Data": [{"QuestionId": "q", "Question": "who", "Answer": TRIVIA, "SearchResults": []}],
            "Domain": "unfiltered",
        },
        ("Sinclair Lewis", "Grace Hegger", "Lewis", "h s lewis"),
    ),
    "webq.json": ("webq", [WEBQ], ('A "B" (C)', "Bahamas")),
    "webq-split.json": ("webq", [{"qId": "w", "answers": ["A", "B", "A"], "qText": "who"}], ("A", "B")),
    "hotpot.json": ("hotpotqa", [HOTPOT], ("yes",)),
    "simplified.json": ("hotpotqa", [{"question": "who", "answer": "yes", "type": "bridge"}], ("yes",)),
    "decomposition.json": ("musique-2hop", [MUSIQUE], ("Bo", "Bob")),
    "squad.json": ("squad", SQUAD, ("Rome",)),
    "musique.jsonl": ("musique-2hop", MUSIQUE | {"paragraphs": []}, ("Bo", "Bob")),
    "trec.tsv": ("curatedtrec", "who\t(Sinclair )?Lewis\n", ("(Sinclair )?Lewis",)),
    "trec.qa.csv": ("curatedtrec", "who\t['1\\\\d+', \"O'?Neil\"]\n", (r"1\d+", "O'?Neil")),
    "trec.txt": ("curatedtrec", {"question": "who", "answer": ["(a|b)"]}, ("(a|b)",)),
}
"""Name -> data set, what stands in it, the answers to its question "who"."""


def write(path: Path, content: object) -> Path:
    text = content if isinstance(content, str) else json.dumps(content)
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("named", [False, True])
@pytest.mark.parametrize("name", sorted(FILES))
def test_every_file_is_told_by_its_name_or_head(tmp_path: Path, name: str, named: bool, packed: bool) -> None:
    dataset, content, answers = FILES[name]
    path = write(tmp_path / ((name if named else "file") + (".gz" if packed else "")), content)
    assert list(open_questions(path, dataset, "dev")) == [QAExample.of("who", answers, dataset, "dev")]


@pytest.mark.parametrize(
    ("dataset", "records", "reason"),
    [
        ("triviaqa", {"Data": [{"Question": "who"}]}, "expected an object, found NoneType"),
        ("triviaqa", {"Data": [{"Question": "who", "Answer": {"Value": ""}}]}, 'field "Value" is empty'),
        ("triviaqa", {"Data": [{"Question": "who", "Answer": {"Value": "x", "Aliases": 3}}]}, '"Aliases" is no list'),
        ("triviaqa", {"Data": [3]}, "expected an object, found int"),
        ("webq", [WEBQ | {"targetValue": "(list)"}], "no list of answers"),
        ("webq", [WEBQ | {"targetValue": "(list (description A) (number 3))"}], "is no (list (description"),
        ("webq", [WEBQ | {"targetValue": '(list (description "A)'}], "is no (list (description"),
        ("webq", [{"targetValue": "(list (description A))"}], 'field "utterance" is missing'),
        ("webq", [{"qText": "who", "answers": []}], "no list of answers"),
        ("hotpotqa", [{"question": "who"}], 'field "answer" is missing'),
        ("hotpotqa", [{"question": "who", "answer": "\ud800"}], "lone surrogate"),
        ("hotpotqa", [HOTPOT, HOTPOT], "duplicate id"),
        ("musique", [MUSIQUE | {"answerable": False}], UNANSWERABLE),
        ("musique-2hop", [MUSIQUE | {"id": "3hop1__1"}], MORE_HOPS),
        ("musique-2hop", [{"question": "who", "answer": "Bo"}], 'field "id" is missing'),
    ],
)
def test_records_that_cannot_be_used_are_rejects(tmp_path: Path, dataset: str, records: object, reason: str) -> None:
    *_, last = open_questions(write(tmp_path / "f.json", records), dataset, "dev")
    assert isinstance(last, Reject)
    assert reason in last.reason
    assert last.source.startswith("f.json:Data[" if dataset == "triviaqa" else "f.json:[")


@pytest.mark.parametrize("pattern", ["(a", "*", "(?P<a", "[", "x" * 5000])
def test_what_is_no_regular_expression_is_a_reject_where_answers_are_patterns(tmp_path: Path, pattern: str) -> None:
    path = write(tmp_path / "t.jsonl", {"question": "who", "answer": ["fine", pattern]})
    (item,) = open_questions(path, "curatedtrec", "test")
    assert isinstance(item, Reject)
    assert (item.source, item.reason.split(" (")[0]) == ("t.jsonl:1", "no regular expression")
    (item,) = open_questions(path, "nq", "test")
    assert isinstance(item, QAExample), "elsewhere an answer is text"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"[", "malformed"),
        (b'[{"question": "who", "answer": "Bo"}', "cut off"),
        (b'[{"question": "who", "answer": "B', "malformed"),
        (b'[{"question": "who", "answer": "Bo"} {"question": 1}]', "lacks a comma"),
        (b'[{"question": "who", "answer": "\xff"}]', "utf-8"),
        (b'[{"question": "who", "answer": "Bo"}] []', "something else"),
        (b"[" * 100_000, "recursion"),
        (b'{"Data": {"Question": "who"}}', 'no list "Data"'),
        (b'{"Data": [{"Question": "who"}]', "something else"),
        (b"{}", "no SQuAD JSON"),
        (b"", "no SQuAD JSON"),
    ],
)
def test_a_file_that_is_no_list_is_one_clear_error(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "f.json"
    path.write_bytes(content)
    with pytest.raises(InputError, match=reason) as caught:
        list(open_questions(path, "hotpotqa", "dev"))
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_test_file_without_answers_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "f.json", {"Data": [{"Question": "who", "QuestionId": "q"}], "Split": "test"})
    with pytest.raises(RejectLimitError, match="1 of 1 records rejected"):
        read_all(open_questions(path, "triviaqa", "test"), "f.json")


@pytest.mark.parametrize("line", ["who", "who\ta\tb", "who\t", "\ta"])
def test_lines_of_other_columns_are_rejects(tmp_path: Path, line: str) -> None:
    (item,) = open_questions(write(tmp_path / "f.tsv", line), "curatedtrec", "test")
    assert isinstance(item, Reject)


@pytest.mark.parametrize(
    ("name", "dataset", "questions", "refused"),
    [
        ("webquestions/test.json", "webq", 2032, 0),
        ("hotpotqa/hotpot_dev_v1_simplified.json", "hotpotqa", 7405, 0),
        ("hotpotqa/hotpot_dev100_distractor.json", "hotpotqa", 100, 0),
        ("musique/musique_ans_train100.jsonl", "musique-2hop", 68, 32),
        ("musique/musique_dev_decomposition.json", "musique-2hop", 1250, 1167),
        ("squad/dev-v1.1-rebuilt.json", "squad", 10524, 37),
    ],
)
def test_real_files_are_read_whole(name: str, dataset: str, questions: int, refused: int) -> None:
    found = read_all(open_questions(shared(name), dataset, "dev"), name)
    assert (len(found.records), len(found.rejects)) == (questions, refused)
