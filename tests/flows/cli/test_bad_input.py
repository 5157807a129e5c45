"""Bad input through the command line: one clear line and exit 1, or rejects in their table and the run goes on."""

import json
from pathlib import Path

import pytest

from qamat_core.store.store import Store

pytestmark = pytest.mark.usefixtures("server")
LINES = [json.dumps({"id": str(n), "title": f"T{n}", "text": f"Passage {n} tells of town {n}."}) for n in range(30)]
FAULTS: dict[str, tuple[bytes, str]] = {
    "malformed JSON": (b'{"id": "x", "text": ', "malformed JSON"),
    "invalid UTF-8": (b'{"id": "x", "text": "caf\xe9"}', "invalid UTF-8 at byte 24"),
    "an empty passage": (b'{"id": "x", "text": "  "}', 'field "text" is empty'),
    "a line of 10 MB": (b'{"id": "x", "text": "' + b"x" * 10_000_000 + b'"}', "line longer than 1048576 bytes"),
    "a duplicate id": (b'{"id": "7", "text": "Another text."}', "duplicate id"),
}
"""Name -> a line of passages, and the reason why it is rejected."""


def write(path: Path, *lines: str | bytes) -> Path:
    path.write_bytes(b"".join((line.encode() if isinstance(line, str) else line) + b"\n" for line in lines))
    return path


def squad(path: Path, *answers: tuple[str, int]) -> Path:
    qas = [
        {"id": str(n), "question": f"Question {n}?", "answers": [{"text": text, "answer_start": start}]}
        for n, (text, start) in enumerate(answers)
    ]
    paragraph = {"context": "Town 7 lies on a river.", "qas": qas}
    path.write_text(json.dumps({"data": [{"title": "Town 7", "paragraphs": [paragraph]}]}))
    return path


@pytest.mark.parametrize("fault", FAULTS)
def test_too_many_bad_lines_refuse_the_file(refused, tmp_path: Path, fault: str):
    bad, reason = FAULTS[fault]
    path = write(tmp_path / "passages.jsonl", *LINES, bad)
    line = refused("corpus", "regenerate", "--preset", "toy", "--passages", path)
    assert line.startswith(
        f"qamat: {path}: 1 of 31 records rejected, more than 1.00%; the first is passages.jsonl:31: "
    )
    assert reason in line
    assert len(line) < 1000


def test_few_bad_lines_stand_in_the_rejects_and_the_run_goes_on(refused, tmp_path: Path, home: Path):
    good = [json.dumps({"id": f"a{n}", "text": f"Village {n} has {n} wells."}) for n in range(600)]
    path = write(tmp_path / "passages.jsonl", *LINES, *(bad for bad, _ in FAULTS.values()), *good)
    line = refused("corpus", "regenerate", "--preset", "toy", "--passages", path, "--name", "villages")
    assert "no annotations to train a generator on: give a SQuAD JSON" in line, "a later step than the reading"
    store = Store(home)
    row = store.row(store.newest("passages", "villages"))
    assert (row.read, row.kept, row.rejected) == (635, 630, 5)
    rejects = store.open_table(store.newest("rejects", "villages-passages")).to_pylist()
    assert [reject["source"] for reject in rejects] == [f"passages.jsonl:{n}" for n in range(31, 36)]
    for reject, (_, reason) in zip(rejects, FAULTS.values(), strict=True):
        assert reason in reject["reason"]
        assert len(reject["record"]) <= 200


def test_an_answer_that_is_not_in_its_passage_is_named(refused, tmp_path: Path):
    passages = write(tmp_path / "passages.jsonl", *LINES)
    annotated = squad(tmp_path / "squad.json", ("river", 17), ("lake", 17))
    line = refused("corpus", "regenerate", "--preset", "toy", "--passages", passages, "--squad", annotated)
    assert "squad.json:data[0].paragraphs[0].qas[1]: the answer is not in its passage at answer_start 17" in line


def test_a_file_that_is_no_squad_json_is_refused(refused, tmp_path: Path):
    passages = write(tmp_path / "passages.jsonl", *LINES)
    annotated = write(tmp_path / "squad.json", '{"data": [')
    line = refused("corpus", "regenerate", "--preset", "toy", "--passages", passages, "--squad", annotated)
    assert f"{annotated}: no SQuAD JSON" in line


def test_questions_of_a_bad_file_are_refused(refused, tmp_path: Path):
    path = write(tmp_path / "questions.jsonl", '{"question": "who", "answer": []}')
    line = refused("train", "finetune", "--preset", "toy", "--memory", "m", "--dataset", "nq", "--path", path)
    assert "questions.jsonl:1: no list of answers" in line


def test_a_missing_file_is_named(refused, tmp_path: Path):
    path = tmp_path / "nowhere.tsv"
    assert refused("corpus", "regenerate", "--passages", path) == f"qamat: {path}: no such file: check the path"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            "corpus regenerate --preset huge",
            "RegenerateCorpus.preset: Input should be 'toy', 'smoke', 'mini', 'small', 'base' or 'large'",
        ),
        ("corpus regenerate --workers 0", "RegenerateCorpus.workers"),
        ("corpus regenerate --filter both", "RegenerateCorpus.filter: Input should be 'reading-comprehension' or"),
        ("corpus refilter world --to x --filter both", "RefilterCorpus.filter: Input should be 'reading-compreh"),
        ("train inbatch --memory Wiki_Sample", "TrainQamat.memory"),
        ("train inbatch --memory wiki-sample", "qa_pairs/wiki-sample is not registered"),
        ("evaluate --checkpoint nobody --questions nq-dev", "checkpoint/nobody is not registered"),
        ("evaluate --checkpoint nobody", "give the questions either by name or as a file"),
    ],
)
def test_wrong_values_are_one_line(refused, arguments: str, words: str):
    assert words in refused(*arguments.split())


def test_a_home_that_cannot_be_written_is_named(refused, tmp_path: Path):
    below = write(tmp_path / "file", "text") / "home"
    line = refused("corpus", "regenerate", "--preset", "toy", "--home", below)
    assert line == f"qamat: QAMAT_HOME {below}: Not a directory; give a writable directory"


@pytest.mark.parametrize(
    "arguments",
    [
        "corpus regenerate --presets toy",
        "corpus make",
        "train finetune --memory m --dataset nq",
        "reproduce --mesh 4",
        "index build --checkpoint c --memory m --together here",
        "evaluate",
        "train inbatch",
    ],
)
def test_wrong_usage_exits_2(qamat, arguments: str):
    result = qamat(*arguments.split())
    assert result.code == 2
    assert "Traceback" not in result.err
