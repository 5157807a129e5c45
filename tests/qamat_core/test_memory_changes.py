"""Rows of a new version are found in the old one by id and text; equal shards are not read."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from qamat_core import memory_changes
from qamat_core.memory_changes import find_changes
from qamat_core.store.shards import Shard, write_shard
from schemas.tables import QA_PAIRS


def shards(folder: Path, *parts: list[tuple[str, str]]) -> list[Shard]:
    """Shards of entries, each an id and an answer."""
    found: list[Shard] = []
    for number, part in enumerate(parts):
        rows = [
            {"qa_id": qa_id, "question": "?", "answer": answer, "aliases": [], "origin": "", "score": 0.0}
            for qa_id, answer in part
        ]
        file = write_shard(pa.Table.from_pylist(rows, schema=QA_PAIRS), QA_PAIRS, folder, number)
        found.append(Shard(folder / file.path, file.sha256, file.rows))
    return found


def test_changed_and_new_entries_are_the_tail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    first, second = [("a", "1"), ("b", "2")], [("c", "3"), ("d", "4"), ("e", "5")]
    older = shards(tmp_path, first, second, [])
    newer = shards(tmp_path, first, [("d", "4"), ("c", "other"), ("f", "6"), ("e", "5")], [("b2", "2")])
    read: list[str] = []
    original = memory_changes.read_shard

    def reading(path: Path, columns: list[str]) -> pa.Table:
        read.append(path.name)
        return original(path, columns)

    monkeypatch.setattr(memory_changes, "read_shard", reading)
    splice = find_changes(older, newer)
    assert older[0].path.name not in read
    in_tail, rows = splice.origin(np.arange(splice.rows))
    assert np.where(in_tail, -1, rows).tolist() == [0, 1, 3, -1, -1, 4, -1]
    assert splice.gone.tolist() == [2]
    assert find_changes(older, older).tail == 0
    assert find_changes(older, shards(tmp_path, [])).gone.tolist() == [0, 1, 2, 3, 4]
