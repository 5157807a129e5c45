"""Rows are found by whole words and by equal values, whatever the case, in every shard."""

from pathlib import Path

import pyarrow as pa
import pytest

from qamat_core.scanned_rows import ScannedRows
from qamat_core.store.shards import write_shard

SCHEMA = pa.schema([pa.field("qa_id", pa.string(), nullable=False), pa.field("question", pa.string())])


def open_rows(folder: Path, texts: list[str | None], cut: int) -> ScannedRows:
    rows = [{"qa_id": f"q{number}", "question": text} for number, text in enumerate(texts)]
    parts = [pa.Table.from_pylist(part, SCHEMA) for part in (rows[:cut], rows[cut:])]
    entries = [write_shard(part, SCHEMA, folder, number) for number, part in enumerate(parts)]
    (folder / "work").mkdir()
    return ScannedRows([folder / entry.path for entry in entries], SCHEMA, folder / "work")


@pytest.mark.parametrize(
    ("phrase", "found"),
    [
        ("ada", [0, 2]),
        ("Ada Lovelace", [2]),
        ("lovel", []),
        ("st. paul (city)?", [3]),
        ("éva", [4]),
        ("va", []),
        (".*", []),
    ],
)
def test_a_phrase_is_found_as_whole_words(tmp_path: Path, phrase: str, found: list[int]):
    texts = ["Where is Ada?", "Where is Adam?", "who is ada lovelace", "in St. Paul (City)?", "Is Éva there?", None]
    assert open_rows(tmp_path, texts, 2).saying("question", [phrase]) == found


def test_equal_values_are_found_in_every_shard(tmp_path: Path):
    rows = open_rows(tmp_path, ["Dorf", "dorf", "Dorfen", None, "STAD"], 1)
    assert rows.equal("question", ["DORF", "Stad"]) == [0, 1, 4]
    assert rows.equal("question", []) == []
    assert rows.saying("question", []) == []


def test_no_phrase_is_a_pattern(tmp_path: Path):
    texts = ["a.b", "axb", "a(b", "a\\\\b", "*", "a", "[a]{2}", "x a|b"]
    rows = open_rows(tmp_path, list(texts), 3)
    for text in texts:
        assert texts.index(text) in rows.saying("question", [text]), text
    assert rows.saying("question", ["a.b"]) == [0]
    assert rows.saying("question", ["x|a"]) == []
