"""A delta, applied to the earlier version, gives the later one, for any tables and however many partitions."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qamat_core.store import differences as module
from qamat_core.store.differences import differences
from qamat_core.store.store import Store
from schemas.artifacts import ArtifactRef
from schemas.errors import IncompatibleArtifactError
from tests.qamat_core.store.jobs import make_directory, make_table
from tests.tasks.corpus import Row, pair, register


@st.composite
def memories(draw: st.DrawFn) -> list[Row]:
    """Draw rows of ``qa_pairs`` with distinct ids, aliases, nulls."""
    ids = draw(st.lists(st.integers(0, 9), max_size=8, unique=True))
    return [
        pair(
            f"q{number}",
            draw(st.sampled_from(["Who?", "What?"])),
            draw(st.sampled_from(["", "é"])),
            draw(st.sampled_from([None, "p"])),
            draw(st.sampled_from([None, 0])),
            aliases=draw(st.sampled_from([[], ["x"], ["x", "y"]])),
        )
        for number in ids
    ]


def _register(store: Store, rows: list[Row], shard_rows: int = 3) -> ArtifactRef:
    return register(store, "qa_pairs", f"m{len(store.registry.rows())}", rows, shard_rows)


def _rows(store: Store, before: ArtifactRef, after: ArtifactRef) -> list[Row]:
    return pa.concat_tables(differences(store, before, after)).to_pylist()


@given(memories(), memories(), st.sampled_from([1, 65536]))
@settings(max_examples=30, deadline=None)
def test_a_delta_makes_the_later_version_of_the_earlier(before: list[Row], after: list[Row], partition_rows: int):
    with TemporaryDirectory() as home, pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_PARTITION_ROWS", partition_rows)
        store = Store(home)
        delta = _rows(store, _register(store, before), _register(store, after))
    changes = {row["qa_id"]: row.pop("change") for row in delta}
    kept = [row for row in before if changes.get(row["qa_id"]) not in ("removed", "changed")]
    put = [row for row in delta if changes[row["qa_id"]] != "removed"]
    assert sorted(kept + put, key=lambda row: str(row["qa_id"])) == sorted(after, key=lambda row: str(row["qa_id"]))
    assert len(delta) == len(changes)
    assert all(row in before for row in delta if changes[row["qa_id"]] == "removed")
    assert {row["qa_id"] for row in before} >= {qa_id for qa_id, change in changes.items() if change == "changed"}


def test_equal_rows_in_other_shards_do_not_differ(store: Store):
    rows = [pair(f"q{number}", "Who?", "x") for number in range(7)]
    assert _rows(store, _register(store, rows, 2), _register(store, rows[::-1], 3)) == []


def test_shards_of_both_versions_are_not_read(store: Store, monkeypatch: pytest.MonkeyPatch):
    rows = [pair(f"q{number}", "Who?", "x") for number in range(9)]
    before, after = _register(store, rows), _register(store, [*rows[:6], pair("q9", "Who?", "x")])
    read: list[Path] = []
    real = module.read_rows
    monkeypatch.setattr(module, "read_rows", lambda path, schema: read.append(path) or real(path, schema))
    assert [(row["change"], row["qa_id"]) for row in _rows(store, before, after)] == [
        ("removed", "q6"),
        ("removed", "q7"),
        ("removed", "q8"),
        ("added", "q9"),
    ]
    assert len(read) == 2


def test_rows_without_an_id_are_compared_whole(store: Store):
    before, after = make_table(store, "a", "one", rows=2), make_table(store, "a", "two", rows=3)
    assert [(row["change"], row["source"]) for row in _rows(store, before, after)] == [("added", "file:2")]


def test_other_kinds_are_refused(store: Store):
    table, directory = make_table(store), make_directory(store)
    with pytest.raises(IncompatibleArtifactError, match="two versions of one kind of table"):
        differences(store, table, directory)
    with pytest.raises(IncompatibleArtifactError, match="two versions of one kind of table"):
        differences(store, directory, directory)
