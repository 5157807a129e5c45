"""The runner of aligned shards: order, accounting, receipts, and errors that a person can read."""

import time
from pathlib import Path

import pytest

from qamat_core.progress import listening
from qamat_core.store.store import Store
from schemas.artifacts import ArtifactRef
from schemas.errors import CorruptArtifactError, IncompatibleArtifactError
from schemas.resources import Resources
from tasks import beam
from tasks.beam import Counted, Process, Tables, align, run_shards
from tests.tasks.corpus import passage, register

ROWS = [passage(number, f"Text {number}.") for number in range(10)]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "home")


@pytest.fixture
def passages(store: Store) -> ArtifactRef:
    return register(store, "passages", "c", ROWS, 3)


def _copy(tables: Tables) -> Counted:
    rows = tables["passages"]
    return Counted({"passages": rows}, read=rows.num_rows, kept=rows.num_rows, rejected=0)


def _setup() -> Process:
    return _copy


@pytest.mark.parametrize("how", [{}, {"workers": 2}, {"bundle_repeat": 2}])
def test_shards_come_out_in_order_and_counted(store: Store, passages: ArtifactRef, tmp_path: Path, how: dict[str, int]):
    elements = align(store, {"passages": passages})
    work = tmp_path / "work"
    work.mkdir()
    draft = run_shards(elements, _setup, ("passages",), work, Resources(**how))["passages"]
    assert [shard.rows for shard in draft.shards] == [3, 3, 3, 1]
    assert (draft.read, draft.kept, draft.rejected) == (10, 10, 0)
    assert [shard.sha256 for shard in draft.shards] == [file.sha256 for file in store.row(passages).files]


def test_finished_shards_are_not_processed_again(store: Store, passages: ArtifactRef, tmp_path: Path):
    elements = align(store, {"passages": passages})
    run_shards(elements, _setup, ("passages",), tmp_path, Resources())
    (tmp_path / "receipt-00002.json").unlink()
    notes = tmp_path / "notes"
    notes.mkdir()

    def note(tables: Tables) -> Counted:
        (notes / str(tables["passages"]["passage_id"][0])).touch()
        return _copy(tables)

    run_shards(elements, lambda: note, ("passages",), tmp_path, Resources())
    assert [path.name for path in notes.iterdir()] == ["p6"]


def test_progress_is_told_while_shards_are_processed(
    store: Store, passages: ArtifactRef, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(beam, "SECONDS_BETWEEN", 0.01)
    told: list[tuple[str, int, int]] = []
    heard = tmp_path / "heard"  # a file: what Beam runs is a copy

    def hear(stage: str, done: int, total: int, metrics: object) -> None:
        told.append((stage, done, total))
        if done == 3:
            heard.touch()

    def slow(tables: Tables) -> Counted:
        end = time.monotonic() + 60
        while len(list(tmp_path.glob("receipt-*"))) == 3 and not heard.exists():  # the last shard waits
            assert time.monotonic() < end
            time.sleep(0.01)
        return _copy(tables)

    with listening(hear):
        run_shards(align(store, {"passages": passages}), lambda: slow, ("passages",), tmp_path, Resources())
    assert ("shards", 3, 4) in told
    assert [done for _, done, _ in told] == sorted(done for _, done, _ in told)


def test_tables_with_different_shards_are_refused(store: Store, passages: ArtifactRef):
    other = register(store, "passages", "d", ROWS, 5)
    with pytest.raises(IncompatibleArtifactError, match=r"passages/c@0 has 4, passages/d@0 has 2"):
        align(store, {"a": passages, "b": other})


def test_a_faulty_shard_is_named_without_a_word_of_beam(store: Store, passages: ArtifactRef, tmp_path: Path):
    elements = align(store, {"passages": passages})
    elements[1]["passages"].write_bytes(elements[1]["passages"].read_bytes()[:-1])
    with pytest.raises(CorruptArtifactError) as caught:
        run_shards(elements, _setup, ("passages",), tmp_path, Resources())
    assert str(elements[1]["passages"]) in str(caught.value)
    assert "while running" not in str(caught.value)


def test_an_empty_table_passes(store: Store, tmp_path: Path):
    empty = register(store, "passages", "none", [])
    draft = run_shards(align(store, {"passages": empty}), _setup, ("passages",), tmp_path, Resources())["passages"]
    assert [shard.rows for shard in draft.shards] == [0]
