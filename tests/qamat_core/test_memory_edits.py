"""Edits do what they say; one that does not fit is refused with its line and the reason."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from qamat_core.memory_edits import Edits, read_edits
from schemas.errors import InputError
from schemas.tables import QA_PAIRS, stable_id

MEMORY = pa.Table.from_pylist(
    [
        {"qa_id": f"e{number}", "question": f"Who is number {number}?", "answer": f"Mr {number}", "aliases": ["x"]}
        | {"passage_id": "p", "start": number, "origin": "gold", "generator": "g", "score": -1.0}
        for number in range(4)
    ],
    schema=QA_PAIRS,
)
NEW = {"op": "add", "question": "Who is new?", "answer": "Ms New"}


def read(folder: Path, *lines: Any) -> Edits:
    file = folder / "edits.jsonl"
    file.write_bytes(
        b"".join((line if isinstance(line, bytes) else json.dumps(line).encode()) + b"\n" for line in lines)
    )
    edits = read_edits(file)
    edits.check(MEMORY.to_batches(max_chunksize=3))
    return edits


def test_entries_are_added_replaced_and_deleted(tmp_path: Path):
    lines = NEW, {"op": "replace", "qa_id": "e1", "answer": "Mr Other"}, {"op": "delete", "qa_id": "e2"}
    edits = read(tmp_path, *lines, {"op": "replace", "qa_id": "e3", "aliases": ["y"]})
    assert not edits.rejects
    assert edits.touches(["e0", "e1"])
    assert not edits.touches(["e0"])
    after = edits.apply(MEMORY).to_pylist()
    first, _, _, last = MEMORY.to_pylist()
    assert [row["qa_id"] for row in after] == ["e0", "e1", "e3"]
    assert after[0] == first
    assert (after[1]["answer"], after[1]["question"], after[1]["start"]) == ("Mr Other", "Who is number 1?", None)
    assert after[2] == last | {"aliases": ["y"]}
    (added,) = edits.new_entries().to_pylist()
    assert added == {
        "qa_id": stable_id("edited", "Who is new?", "Ms New"),
        "question": "Who is new?",
        "answer": "Ms New",
        "aliases": [],
        "passage_id": None,
        "start": None,
        "origin": "edited",
        "generator": None,
        "score": 0.0,
    }


def test_a_deleted_entry_is_added_again_as_it_was(tmp_path: Path):
    gone = MEMORY.to_pylist()[2]
    without = read(tmp_path, {"op": "delete", "qa_id": "e2"}).apply(MEMORY)
    edits = read_edits_of(tmp_path, {"op": "add", **gone})
    edits.check(without.to_batches())
    assert edits.new_entries().to_pylist() == [gone]


def read_edits_of(folder: Path, *lines: Any) -> Edits:
    file = folder / "again.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return read_edits(file)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ({"op": "delete", "qa_id": "e9"}, "the memory has no entry e9"),
        ({"op": "replace", "qa_id": "e9", "answer": "x"}, "the memory has no entry e9"),
        ({"op": "replace", "qa_id": "e1"}, "replace needs what is to be changed"),
        ({"op": "delete"}, "delete needs the qa_id"),
        ({"op": "add", "question": "Who?"}, "has a question and an answer"),
        ({"op": "add", "question": "WHO is number 1", "answer": "x"}, "entry e1 asks that already"),
        ({"op": "replace", "qa_id": "e0", "question": "who is number 1?"}, "entry e1 asks that already"),
        ({"op": "add", "qa_id": "e1", "question": "Else?", "answer": "x"}, "entry e1 is there already"),
        ({**NEW, "answer": "x"}, "of edits.jsonl:1 asks that already"),
        ({"op": "delete", "qa_id": "e3"}, "entry e3 is edited twice, first in edits.jsonl:2"),
        ({"op": "burn", "qa_id": "e1"}, "op: Input should be"),
        ({**NEW, "answre": "x"}, "answre: Extra inputs are not permitted"),
        ({**NEW, "score": "NaN"}, "score:"),
        (b'{"op": "add"', "Invalid JSON"),
        (b'{"op": "delete", "qa_id": "\xff"}', "invalid UTF-8"),
        (b'"text"', "Input should be an object"),
    ],
)
def test_what_does_not_fit_is_refused_and_the_rest_goes_on(tmp_path: Path, line: Any, reason: str):
    edits = read(tmp_path, NEW, {"op": "delete", "qa_id": "e3"}, line)
    (refused,) = edits.rejects
    assert refused.source == "edits.jsonl:3"
    assert reason in refused.reason
    assert edits.read == 3
    assert (edits.new_entries().num_rows, list(edits.touched)) == (1, ["e3"])


def test_a_question_may_be_asked_again_where_its_entry_goes(tmp_path: Path):
    again = {"op": "add", "question": "Who is number 3?", "answer": "Mx 3"}
    edits = read(tmp_path, {"op": "delete", "qa_id": "e3"}, again)
    assert not edits.rejects


def test_a_file_that_is_not_there_is_named(tmp_path: Path):
    with pytest.raises(InputError, match=r"none\.jsonl: no such file"):
        read_edits(tmp_path / "none.jsonl")
