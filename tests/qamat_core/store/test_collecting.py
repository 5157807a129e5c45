"""Garbage goes; what a version has or a job is about to register stays, whoever else is at work."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import obstore
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from obstore.store import from_url

from qamat_core.store import collecting
from qamat_core.store import store as store_module
from qamat_core.store.collecting import collect
from qamat_core.store.registry import Registry
from qamat_core.store.store import Store, write_table
from schemas.artifacts import ArtifactRef
from schemas.errors import ArtifactError, CorruptArtifactError
from tests.object_store import BUCKET, s3_server
from tests.qamat_core.store import collectors, jobs
from tests.qamat_core.store.jobs import RejectsConfig, directory_job, make_directory, make_table, table_job
from tests.qamat_core.store.test_produce import PROJECT, Killed, build_two, two_outputs

NOW = timedelta(0)


@pytest.fixture(autouse=True)
def own_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests' directory may lie on any file system: let it count as this machine's."""
    monkeypatch.setattr(collecting, "are_seen_by_all", lambda _: True)


def kill_before_the_row(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave a table and a directory that were placed but not registered."""
    with monkeypatch.context() as patch:
        patch.setattr(Registry, "append", lambda *_: (_ for _ in ()).throw(Killed))
        with pytest.raises(Killed):
            store.produce(two_outputs(), build_two)


def files(store: Store, *tops: str) -> list[str]:
    """Data files below some directories of a home."""
    found = [path for top in tops for path in (store.home / top).rglob("*") if path.is_file()]
    return sorted(str(path.relative_to(store.home)) for path in found if "_delta_log" not in path.parts)


def test_nothing_of_a_version_goes(store: Store):
    refs = [make_table(store), make_table(store, "b"), make_directory(store)]
    before = files(store, "tables", "checkpoint")
    assert collect(store, older_than=NOW).removed == ()
    assert files(store, "tables", "checkpoint") == before
    assert [store.faults(store.row(ref)) for ref in refs] == [[], [], []]


def test_what_a_killed_job_placed_goes_and_the_job_can_be_run_again(store: Store, monkeypatch: pytest.MonkeyPatch):
    kept = make_directory(store, "kept")
    kill_before_the_row(store, monkeypatch)
    found = collect(store)
    assert {item.path.split("/")[0] for item in found.removed} == {"tables", "checkpoint"}
    assert {item.why for item in found.removed} == {"no version"}
    assert [item.why for item in found.kept] == ["young"], "the work of the killed job"
    assert files(store, "tables") == []
    assert files(store, "checkpoint") == sorted(f"{kept.uri}/{file.path}" for file in store.row(kept).files)
    refs = store.produce(two_outputs(), build_two)
    assert [Store(store.home).faults(store.row(ref)) for ref in refs.values()] == [[], []]


def test_a_dry_run_removes_nothing(store: Store, monkeypatch: pytest.MonkeyPatch):
    make_directory(store, "kept")
    kill_before_the_row(store, monkeypatch)
    before = files(store, "tables", "checkpoint", "work")
    told = collect(store, older_than=NOW, dry_run=True)
    assert files(store, "tables", "checkpoint", "work") == before
    done = collect(store, older_than=NOW)
    assert done == told
    assert files(store, "work") == ["work/placing.lock"]
    assert done.bytes > 0


def test_work_of_a_job_that_is_done_goes_at_once_that_of_a_stopped_one_when_it_is_old(
    store: Store, monkeypatch: pytest.MonkeyPatch
):
    with monkeypatch.context() as patch:
        patch.setattr(store_module.shutil, "rmtree", lambda *_, **__: (_ for _ in ()).throw(Killed))
        with pytest.raises(Killed):
            make_table(store)

    def half(work: Path) -> dict[str, store_module.Draft]:
        (work / "half").write_text("done")
        raise Killed

    with pytest.raises(Killed):
        store.produce(table_job(RejectsConfig(text="half")), half)
    found = collect(store)
    assert [item.why for item in found.removed] == ["job done"]
    assert [item.why for item in found.kept] == ["young"]
    stopped = store.home / found.kept[0].path
    assert (stopped / "half").exists()
    assert [item.why for item in collect(store, older_than=NOW).removed] == ["job stopped"]
    assert files(store, "work") == ["work/placing.lock"]


def test_what_is_temporary_goes_when_it_is_old_whatever_is_asked(store: Store, monkeypatch: pytest.MonkeyPatch):
    (store.home / "work" / "tmpabc").mkdir()
    (store.home / "work" / "tmpabc" / "x").touch()
    (store.home / "work" / "loose").touch()
    assert collect(store, older_than=NOW).removed == ()
    monkeypatch.setattr(collecting, "ELSEWHERE", NOW)
    assert [item.path for item in collect(store, older_than=NOW).removed] == ["work/loose", "work/tmpabc"]
    assert files(store, "work") == ["work/placing.lock"]


def test_stray_files_and_discarded_versions_go(store: Store):
    kept, gone = make_directory(store, "a"), make_directory(store, "b")
    (store.home / kept.uri / "weights" / "stray").touch()
    table = make_table(store)
    store.registry.remove([gone.key, table.key])
    assert len(collect(store).removed) == 3
    assert files(store, "tables", "checkpoint") == sorted(f"{kept.uri}/{file.path}" for file in store.row(kept).files)
    assert not (store.home / gone.uri).exists()
    assert store.faults(store.row(kept)) == []


def test_shards_that_an_earlier_attempt_left_beside_those_of_the_version_go(
    store: Store, monkeypatch: pytest.MonkeyPatch
):
    with monkeypatch.context() as patch:
        patch.setattr(Registry, "append", lambda *_: (_ for _ in ()).throw(Killed))
        with pytest.raises(Killed):
            store.produce(table_job(), jobs.table_build("first"))
    ref = store.produce(table_job(), jobs.table_build("second"))["rows"]
    (item,) = collect(store).removed
    assert item.files == 1
    assert Store(store.home).open_table(ref)["record"].to_pylist() == ["second", "second"]


def test_without_a_registry_nothing_tells_what_is_in_use(store: Store, monkeypatch: pytest.MonkeyPatch):
    kill_before_the_row(store, monkeypatch)
    before = files(store, "tables", "checkpoint")
    found = collect(store)
    assert {item.why for item in found.kept} == {"no registry", "young"}
    assert files(store, "tables", "checkpoint") == before


def test_with_a_damaged_registry_nothing_goes(store: Store, monkeypatch: pytest.MonkeyPatch):
    make_table(store)
    kill_before_the_row(store, monkeypatch)
    (row,) = (store.home / "registry").glob("*.parquet")
    row.write_bytes(b"gone bad")
    before = files(store, "tables", "checkpoint", "work")
    with pytest.raises(CorruptArtifactError, match="the registry is unreadable"):
        collect(Store(store.home))
    assert files(store, "tables", "checkpoint", "work") == before


def test_where_locks_do_not_tell_the_young_stay(store: Store, monkeypatch: pytest.MonkeyPatch):
    make_table(store, "kept")
    monkeypatch.setattr(collecting, "are_seen_by_all", lambda _: False)
    kill_before_the_row(store, monkeypatch)
    assert collect(store).removed == ()
    monkeypatch.setattr(collecting, "now", lambda: store_module.now() + timedelta(hours=25))
    assert {item.path.split("/")[0] for item in collect(store).removed} == {"tables", "checkpoint"}


class Other:
    """Another process at the same home."""

    def __init__(self, *command: object, mirrors: Path | None = None) -> None:
        more = {"QAMAT_MIRRORS": str(mirrors)} if mirrors else {}
        self.process = subprocess.Popen(
            [sys.executable, "-m", collectors.__name__, *map(str, command)],
            stdout=subprocess.PIPE,
            text=True,
            cwd=PROJECT,
            env={**os.environ, **more},
        )

    def until(self, file: Path) -> None:
        end = time.monotonic() + 120
        while not file.exists():
            assert self.process.poll() is None, "it ended"
            assert time.monotonic() < end, f"waited in vain for {file}"
            time.sleep(0.01)

    def printed(self) -> str:
        text = self.process.communicate(timeout=120)[0]
        assert self.process.returncode == 0
        return text.strip()


@pytest.mark.parametrize("kind", ["table", "directory"])
def test_a_job_between_its_data_and_its_row_is_waited_for(
    store: Store, tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
):
    make_table(store, "kept")
    job = Other("place", store.home, kind, "a", tmp_path)
    job.until(tmp_path / "placed")
    monkeypatch.setattr(collecting, "_PATIENCE", 0.1)
    with pytest.raises(ArtifactError, match="jobs are placing what they made: run it again"):
        collect(store, older_than=NOW)
    collector = Other("collect", store.home, 0)
    time.sleep(1)
    (tmp_path / "go").touch()
    ref = ArtifactRef.model_validate_json(job.printed())
    assert collector.printed() == "0"
    assert Store(store.home).faults(store.row(ref)) == []


def test_work_of_a_running_job_stays(store: Store):
    def build(work: Path) -> dict[str, store_module.Draft]:
        draft = write_table(jobs.rejects(), "rejects", work, read=2)
        (item,) = collect(Store(store.home), older_than=NOW).kept
        assert (item.why, item.files) == ("in use", 2)
        return {"rows": draft}

    ref = store.produce(table_job(), build)["rows"]
    assert store.open_table(ref).num_rows == 2


def test_what_a_running_job_reads_stays_though_it_is_discarded(store: Store):
    make_table(store, "kept", "kept")
    given = make_table(store, "given", "given")

    def build(work: Path) -> dict[str, store_module.Draft]:
        (shard,) = store.open_shards(given)
        store.registry.remove([given.key])
        assert [item.why for item in collect(Store(store.home)).kept] == ["in use", "in use"]
        assert shard.exists()
        return {"rows": write_table(jobs.rejects(), "rejects", work, read=2)}

    store.produce(table_job(given=given), build)
    assert [item.path.split("/")[2] for item in collect(store).removed] == ["given"]


def test_a_job_that_waits_for_a_lock_that_goes_runs_once(store: Store):
    """The collector removes the lock that a second process waits for: it has to take the new one."""
    lock = store.home / "work" / f"{min(directory_job().keys().values())}.lock"
    with store_module.exclusive(lock):
        waiting = Other("place", store.home, "directory", "a", store.home)
        (store.home / "go").touch()
        time.sleep(1)
        lock.unlink()
    ref = ArtifactRef.model_validate_json(waiting.printed())
    assert make_directory(store) == ref


@pytest.mark.timeout(300)
def test_jobs_that_are_made_and_killed_while_it_collects_lose_nothing(store: Store):
    make_table(store, "kept")
    makers = [Other("churn", store.home, number, 60) for number in range(2)]
    end, killed = time.monotonic() + 6, 0
    while time.monotonic() < end:
        collect(store, older_than=NOW)
        if killed < 2 and time.monotonic() > end - 4 + 2 * killed:
            makers[killed % 2].process.kill()
            makers[killed % 2].process.communicate()
            makers[killed % 2] = Other("churn", store.home, f"{killed}-again", 60)
            killed += 1
    for maker in makers:
        maker.process.kill()
        maker.process.communicate()
    collect(store, older_than=NOW)
    rows = Store(store.home).registry.rows()
    assert len(rows) > 4
    assert [fault for row in rows for fault in store.faults(row)] == []
    used = sorted(f"{row.ref.uri}/{file.path}" for row in rows for file in row.files)
    assert files(store, "tables", "checkpoint") == used
    assert files(store, "work") == ["work/placing.lock"]


ACTS = st.lists(st.sampled_from(["table", "directory", "kill", "discard", "stray", "collect"]), min_size=1, max_size=10)


@settings(max_examples=10)
@given(acts=ACTS)
def test_whatever_happened_versions_stay_whole_and_all_else_goes(
    tmp_path_factory: pytest.TempPathFactory, acts: list[str]
):
    store = Store(tmp_path_factory.mktemp("home"))
    make_table(store, "kept")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(collecting, "are_seen_by_all", lambda _: True)
        for number, act in enumerate([*acts, "collect"]):
            if act in ("table", "directory"):
                (make_table if act == "table" else make_directory)(store, str(number))
            elif act == "kill":
                kill_before_the_row(store, patch)
            elif act == "discard":
                store.registry.remove([store.registry.rows()[-1].ref.key] if len(store.registry.rows()) > 1 else [])
            elif act == "stray":
                (store.home / store.registry.rows()[0].ref.uri / "data" / "stray").touch()
            else:
                collect(store, older_than=NOW)
                rows = store.registry.rows()
                assert [fault for row in rows for fault in store.faults(row)] == []
                used = sorted(f"{row.ref.uri}/{file.path}" for row in rows for file in row.files)
                assert files(store, "tables", "checkpoint") == used


@pytest.fixture(scope="module")
def server() -> Iterator[dict[str, str]]:
    with s3_server() as variables:
        yield variables


@pytest.fixture
def url(server: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    for name, value in server.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("QAMAT_MIRRORS", str(tmp_path / "one"))
    return f"s3://{BUCKET}/{uuid4().hex}"


def objects(url: str) -> list[str]:
    """Data files in the object store."""
    store = from_url(url)
    found = [file["path"] for top in ("tables", "checkpoint") for part in obstore.list(store, top) for file in part]
    return sorted(path for path in found if "_delta_log" not in path)


def test_in_an_object_store_a_job_of_another_machine_is_left_alone_while_it_is_young(url: str, tmp_path: Path):
    store = Store(url)
    make_table(store, "kept")
    job = Other("place", url, "directory", "a", tmp_path, mirrors=tmp_path / "two")
    job.until(tmp_path / "placed")
    found = collect(store)
    assert found.removed == ()
    assert [item.why for item in found.kept if item.place == url] == ["young"]
    (tmp_path / "go").touch()
    ref = ArtifactRef.model_validate_json(job.printed())
    assert Store(url).faults(store.row(ref)) == []


def test_in_an_object_store_old_orphans_go_from_there_and_from_the_mirror(url: str, monkeypatch: pytest.MonkeyPatch):
    store = Store(url)
    kept = [make_table(store, "kept"), make_directory(store, "kept")]
    kill_before_the_row(store, monkeypatch)
    assert {item.place for item in collect(store).removed} == {str(store.home)}, "the mirror is this machine's"
    monkeypatch.setattr(collecting, "now", lambda: store_module.now() + timedelta(hours=25))
    removed = collect(store).removed
    assert {(item.place, item.path.split("/")[0]) for item in removed} == {(url, "tables"), (url, "checkpoint")}
    used = sorted(f"{ref.uri}/{file.path}" for ref in kept for file in store.row(ref).files)
    assert objects(url) == used
    refs = store.produce(two_outputs(), build_two)
    assert [store.faults(store.row(ref)) for ref in refs.values()] == [[], []]
