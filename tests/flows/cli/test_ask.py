"""`qamat ask` and `qamat serve` as people run them: what is asked, what is refused, how a server ends."""

import json
import os
import signal
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from tests.flows.study import command


@pytest.fixture
def home(askable: Path) -> Path:
    return askable


def test_a_question_is_answered(qamat):
    found = qamat("ask", "Where does Ada live?", "--memory", "m@0", "--checkpoint", "tuned", "--json")
    assert found.code == 0, found.err
    assert found.json["versions"]["memory"] == "qa_pairs/m@0"
    unsure = qamat("ask", "Where does Ada live?", "--min-confidence", "1")
    assert unsure.out.startswith(f"no answer  (confidence {found.json['confidence']:.2f})\nit would have been: ")


def test_a_file_of_questions_is_answered_line_by_line(qamat, tmp_path: Path):
    file = tmp_path / "questions.jsonl"
    file.write_text('"Where does Ada live?"\n{"question": "Where does Bela live?", "id": 7}\n')
    good = qamat("ask", "--file", file, "--json")
    assert good.code == 0, good.err
    assert [json.loads(line).get("id") for line in good.out.splitlines()[:2]] == [None, 7]
    assert good.json == {"answered": 2, "refused": 0}
    file.write_text('"Where does Ada live?"\n""\n')
    bad = qamat("ask", "--file", file)
    assert (bad.code, bad.err) == (1, f"qamat: {file}: 1 of 2 questions were refused: see their lines\n")
    assert len(bad.out.splitlines()) == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("ask", " "), "a question has 1 to 2000 characters, this one 0"),
        (("ask", "x" * 100_000), "a question has 1 to 2000 characters, this one 100000"),
        (("ask", "who?", "--memory", "m@3"), "qa_pairs/m@3 is not registered"),
        (("ask", "--file", "/nowhere/q.jsonl"), "/nowhere/q.jsonl: No such file or directory"),
        (("serve", "--host", "0.0.0.0"), "others can reach 0.0.0.0: give a token"),
        (("serve", "--checkpoint", "nobody"), "checkpoint/nobody is not registered"),
        (("serve", "--token-file", "/nowhere/token"), "/nowhere/token: no token can be read there"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(qamat, arguments: tuple[str, ...], words: str):
    refused = qamat(*arguments)
    assert refused.code == 1
    assert words in refused.err
    assert refused.err.count("\n") == 1


@pytest.mark.slow
def test_a_server_says_where_it_is_and_ends_on_ctrl_c(home: Path, qamat):
    process = command(home, "serve", "--port", "0", "--top-k", "1", "--json")
    assert process.stdout is not None
    told = json.loads(process.stdout.readline())
    assert told["memory"] == "qa_pairs/m@0"
    url = told["url"]
    asked = Request(f"{url}/ask", b'{"question": "Where does Ada live?"}', {"Content-Type": "application/json"})
    with urlopen(asked) as reply:
        assert len(json.load(reply)["evidence"]) == 1
    taken = qamat("serve", "--port", url.rpartition(":")[2])
    assert taken.code == 1
    assert "Address already in use" in taken.err
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (0, "", "")
