"""Making artifacts: done once by key, all or nothing, safe against crashes and other processes."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable

from qamat_core.store import locks
from qamat_core.store import store as store_module
from qamat_core.store.registry import Registry
from qamat_core.store.store import DirectoryDraft, Job, Store, write_table
from schemas.errors import AccountingError, ConfigError, MissingArtifactError
from tests.qamat_core.store import jobs
from tests.qamat_core.store.jobs import (
    RejectsConfig,
    directory_build,
    directory_job,
    make_directory,
    make_table,
    table_build,
    table_job,
)

PROJECT = Path(__file__).parents[3]


class Killed(BaseException):
    """Stands for a kill: nothing catches it."""


def never(work: Path) -> dict[str, store_module.Draft]:
    raise AssertionError("the job was run again")


def test_an_artifact_is_made_once(store: Store):
    first = make_table(store)
    assert store.produce(table_job(), never) == {"rows": first}
    assert Store(store.home).produce(table_job(), never) == {"rows": first}
    assert store.open_table(first).equals(jobs.rejects().cast(store.open_table(first).schema))


@pytest.mark.parametrize("make", [make_table, make_directory])
def test_another_configuration_makes_the_next_version(store: Store, make):
    first, second = make(store, "a"), make(store, "b")
    assert (first.version, second.version) == (0, 1)
    assert first.key != second.key
    assert first.content != second.content
    assert make(store, "a") == first
    assert store.newest(first.kind, "small") == second
    assert store.newest(first.kind, "small", 0) == first


def test_equal_rows_have_equal_content_whatever_made_them(store: Store):
    first = make_table(store, name="small")
    second = make_table(store, name="other")
    assert first.key != second.key
    assert first.content == second.content


def test_a_name_that_is_too_long_is_refused_before_the_work(store: Store):
    with pytest.raises(ConfigError, match=r"name 'n+': 1 to 64 lower-case letters, digits and hyphens"):
        store.produce(table_job(name="n" * 65), never)


def test_rows_that_do_not_add_up_are_not_committed(store: Store):
    job = table_job()

    def build(work: Path) -> dict[str, store_module.Draft]:
        draft = write_table(jobs.rejects(), "rejects", work, read=3)
        return {"rows": store_module.TableDraft(draft.directory, draft.shards, read=3, kept=2, rejected=0)}

    with pytest.raises(AccountingError, match="rejects/small: read 3 != kept 2 \\+ rejected 0"):
        store.produce(job, build)
    assert store.find(job) is None
    assert store.registry.rows() == []
    assert not (store.home / "tables").exists()


def two_outputs() -> Job:
    return Job(jobs.MODULE, RejectsConfig(), {}, {"rows": ("rejects", "small"), "model": ("checkpoint", "small")})


def build_two(work: Path) -> dict[str, store_module.Draft]:
    return {**table_build()(work), **directory_build()(work)}


CRASHES = {
    "before the data commit": (store_module, "commit_table"),
    "after the table's commit, before the directory's": (store_module, "directory_entries"),
    "after all data, before the registry row": (Registry, "append"),
    "after the registry row": (store_module.shutil, "rmtree"),
}


@pytest.mark.parametrize("point", CRASHES)
def test_a_killed_job_is_finished_by_the_next_run(store: Store, monkeypatch: pytest.MonkeyPatch, point: str):
    def kill(*args: object, **kwargs: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(*CRASHES[point], kill)
        with pytest.raises(Killed):
            store.produce(two_outputs(), build_two)

    again = Store(store.home)
    registered = [row.ref.kind for row in again.registry.rows()]
    assert registered == (["rejects", "checkpoint"] if point == "after the registry row" else [])
    refs = again.produce(two_outputs(), build_two)
    assert again.find(two_outputs()) == refs
    assert not list((store.home / "work").glob("*/"))
    assert {label: ref.version for label, ref in refs.items()} == {"rows": 0, "model": 0}
    assert again.open_table(refs["rows"]).num_rows == 2
    assert (again.open_directory(refs["model"]) / "card.json").read_text() == "a"
    assert DeltaTable(again.home / refs["rows"].uri).version() == 0


@pytest.mark.parametrize("kind", ["rejects", "checkpoint"])
def test_what_has_no_registry_row_cannot_be_opened(store: Store, monkeypatch: pytest.MonkeyPatch, kind):
    with monkeypatch.context() as patch:
        patch.setattr(Registry, "append", lambda *_: (_ for _ in ()).throw(Killed))
        with pytest.raises(Killed):
            store.produce(two_outputs(), build_two)
    with pytest.raises(MissingArtifactError, match=f"{kind}/small is not registered"):
        store.newest(kind, "small")


def test_a_job_that_gives_other_rows_after_a_kill_registers_those(store: Store, monkeypatch: pytest.MonkeyPatch):
    with monkeypatch.context() as patch:
        patch.setattr(Registry, "append", lambda *_: (_ for _ in ()).throw(Killed))
        with pytest.raises(Killed):
            store.produce(table_job(), table_build("first"))
    ref = store.produce(table_job(), table_build("second"))["rows"]
    assert store.open_table(ref)["record"].to_pylist() == ["second", "second"]
    files = DeltaTable(store.home / ref.uri, version=ref.version).file_uris()
    assert [Path(file) for file in files] == store.open_shards(ref)


def test_a_job_finds_what_it_had_finished_before_the_kill(store: Store):
    def half(work: Path) -> dict[str, store_module.Draft]:
        (work / "half").write_text("done")
        raise Killed

    with pytest.raises(Killed):
        store.produce(table_job(), half)

    def rest(work: Path) -> dict[str, store_module.Draft]:
        return {"rows": write_table(jobs.rejects((work / "half").read_text()), "rejects", work, read=2)}

    ref = store.produce(table_job(), rest)["rows"]
    assert store.open_table(ref)["record"].to_pylist() == ["done", "done"]
    assert not list((store.home / "work").glob("*/"))


def race(home: Path | str, tmp_path: Path, kind: str, texts: list[str], more: Mapping[str, str] = {}) -> list[str]:
    """Let a process a text make an artifact, all at the same moment; return the references that they print.

    Each has a mirror of its own, as if on a machine of its own.
    """
    start = tmp_path / "start"
    command = [sys.executable, jobs.__file__, str(home), kind]
    environment = {"PYTHONPATH": str(PROJECT), "PATH": "", **more}
    running = [
        subprocess.Popen(
            [*command, text, str(start)],
            stdout=subprocess.PIPE,
            text=True,
            env={**environment, "QAMAT_MIRRORS": str(tmp_path / f"mirror-{number}")},
        )
        for number, text in enumerate(texts)
    ]
    start.touch()
    printed = [process.communicate(timeout=60)[0] for process in running]
    assert [process.returncode for process in running] == [0] * len(running)
    return printed


def test_processes_that_race_for_one_key_end_with_one_version(home: Path, tmp_path: Path):
    assert len(set(race(home, tmp_path, "table", ["a", "a", "a"]))) == 1
    assert len(Store(home).registry.rows()) == 1
    assert DeltaTable(home / "tables" / "rejects" / "small").version() == 0


@pytest.mark.parametrize("kind", ["table", "directory"])
def test_processes_that_race_for_one_name_get_a_version_each(home: Path, tmp_path: Path, kind: str):
    race(home, tmp_path, kind, ["a", "b", "c"])
    rows = Store(home).registry.rows()
    assert sorted(row.ref.version for row in rows) == [0, 1, 2]
    assert len({row.ref.key for row in rows}) == 3


@pytest.mark.parametrize("ours", ["a", "other bytes"])
def test_a_second_writer_without_the_lock_gives_way(store: Store, monkeypatch: pytest.MonkeyPatch, ours: str):
    """Two machines at one home may not see each other's locks: the registry decides, the loser's data goes."""
    won = []

    def build(work: Path) -> dict[str, store_module.Draft]:
        won.append(make_directory(Store(store.home)))
        work.mkdir(exist_ok=True)
        return directory_build(ours)(work)

    monkeypatch.setattr(locks.fcntl, "flock", lambda *_: None)
    assert store.produce(directory_job(), build)["model"] == won[0]
    assert len(store.registry.rows()) == 1
    assert [path.name for path in (store.home / "checkpoint" / "small").iterdir()] == [Path(won[0].uri).name]
    assert (store.open_directory(won[0]) / "card.json").read_text() == "a"


@pytest.mark.parametrize("place", ["/proc/qamat", "{tmp}/file/home"])
def test_a_home_that_cannot_be_written_is_one_clear_line(tmp_path: Path, place: str):
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match=r"^QAMAT_HOME .*; give a writable directory$") as error:
        Store(place.format(tmp=tmp_path))
    assert "\n" not in str(error.value)


def test_a_column_that_lacks_is_refused_before_anything_is_written(store: Store):
    with pytest.raises((KeyError, pa.ArrowInvalid)):
        write_table(jobs.rejects().drop_columns(["reason"]), "rejects", store.home / "work" / "x")


def test_a_directory_draft_keeps_its_notes(store: Store):
    def build(work: Path) -> dict[str, store_module.Draft]:
        return {"model": DirectoryDraft(directory_build()(work)["model"].directory, {"steps": 3})}

    ref = store.produce(directory_job(), build)["model"]
    assert store.row(ref).notes == {"steps": 3}
