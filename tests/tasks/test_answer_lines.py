"""Every line of questions gets a line, in order: an answer, or why there is none; the others go on."""

import io
import json
from pathlib import Path

from flows.asking import open_engine
from tasks.answer_lines import answer_lines

LINES = [
    b'"Where does Ada live?"',
    b'{"question": "Where does Bela live?", "id": "b", "without": ["q1"], "top_k": 1}',
    b"no JSON",
    b"",
    b'""',
    b'"abc\xff"',
    b'"' + b"x" * 2001 + b'"',
    b'"' + b"x" * 100_000 + b'"',
    b'{"question": "x", "more": 1}',
    b'{"question": "x", "without": ["q10"]}',
    b"[1]",
    b'"\\ud800"',
    b'{"question": "Where does Cleo live?", "id": 3, "min_confidence": 1}',
]


def test_every_line_is_answered_or_refused_in_order(askable: Path):
    engine = open_engine(str(askable), None, None, top_k=None, min_confidence=0.0, batch_sizes=(4,))
    told = list(answer_lines(io.BytesIO(b"\n".join(LINES)), engine, 4))
    lines = [json.loads(one.text) for one in told]
    assert [line["line"] for line in lines] == [1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12, 13]
    assert [one.answered for one in told] == [True, True, *[False] * 9, True]
    first, second, last = lines[0], lines[1], lines[-1]
    assert "id" not in first
    assert first["question"] == "Where does Ada live?"
    assert second["id"] == "b"
    assert second["without"] == ["q1"]
    assert [len(first["evidence"]), len(second["evidence"])] == [2, 1]
    assert (last["id"], last["answer"], last["abstained"]) == (3, None, True)
    errors = [line["error"] for line in lines if "error" in line]
    words = ["Invalid JSON", "1 to 2000 characters, this one 0", "invalid UTF-8 at byte 4", "this one 2001",
             "line longer than", "more: Extra inputs", "entry 'q10' is not in", "should be an object",
             "Invalid JSON"]  # fmt: skip
    assert len(errors) == len(words)
    for error, expected in zip(errors, words, strict=True):
        assert expected in error
        assert "\n" not in error


def test_answers_come_before_the_input_ends(askable: Path):
    engine = open_engine(str(askable), None, None, top_k=None, min_confidence=0.0, batch_sizes=(4,))

    class Endless(io.RawIOBase):
        def readline(self, *_: object) -> bytes:
            return b'"Where does Ada live?"\n'

    told = answer_lines(Endless(), engine, 4)  # pyright: ignore[reportArgumentType]
    assert [next(told).answered for _ in range(9)] == [True] * 9
