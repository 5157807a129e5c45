"""`qamat artifacts tag | tags | rollback | gc` on a small store."""

from datetime import timedelta

import pytest

from qamat_core.store import collecting
from qamat_core.store.store import Store
from tests.qamat_core.store.jobs import make_directory, make_table


@pytest.fixture
def filled(store: Store) -> Store:
    """A store with two versions of a directory."""
    make_directory(store, "a")
    make_directory(store, "b")
    return store


def test_a_tag_is_moved_listed_shown_and_rolled_back(qamat, filled):
    assert qamat("artifacts", "tag", "production", "checkpoint/small@0").out == "production names checkpoint/small@0\n"
    moved = qamat("artifacts", "tag", "production", "checkpoint/small", "--json").json
    assert (moved["tag"], moved["move"], moved["names"], moved["by"]) == ("production", 1, "checkpoint/small@1", "tag")
    rows = qamat("artifacts", "ls", "--json").json["artifacts"]
    assert [(row["version"], row["tags"]) for row in rows] == [(0, []), (1, ["production"])]
    assert qamat("artifacts", "ls").out.splitlines()[1].endswith("\tproduction")
    assert qamat("artifacts", "show", "checkpoint/small", "--json").json["tags"] == ["production"]
    assert "tags:" in qamat("artifacts", "show", "checkpoint/small").out
    assert qamat("artifacts", "rollback", "production").out == "production names checkpoint/small@0\n"
    moves = qamat("artifacts", "tags", "production", "--json").json["tags"]
    assert [(one["names"], one["by"]) for one in moves] == [
        ("checkpoint/small@0", "tag"),
        ("checkpoint/small@1", "tag"),
        ("checkpoint/small@0", "rollback"),
    ]
    (line,) = qamat("artifacts", "tags").out.splitlines()
    assert line.startswith("production\t2\tcheckpoint/small@0\trollback\t")
    assert qamat("artifacts", "verify", "--json").json["verified"] == 2


@pytest.mark.parametrize(
    ("command", "line"),
    [
        ("tag Production checkpoint/small", "tag 'Production': 1 to 64 lower-case letters, digits and hyphens"),
        ("tag ../x checkpoint/small", "tag '../x': 1 to 64 lower-case letters, digits and hyphens"),
        ("tag t checkpoint/none", "checkpoint/none is not registered; names of kind checkpoint: small"),
        ("rollback t", "there is no tag 't'; tags: none"),
        ("tags t", "there is no tag 't'; tags: none"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(refused, filled, command, line):
    assert line in refused("artifacts", *command.split())


def test_a_reference_that_is_none_is_wrong_usage(qamat, filled):
    assert qamat("artifacts", "tag", "t", "small").code == 2


def test_garbage_is_told_then_removed(qamat, filled, monkeypatch):
    monkeypatch.setattr(collecting, "are_seen_by_all", lambda _: True)
    gone = make_table(filled)
    filled.registry.remove([gone.key])
    told = qamat("artifacts", "gc", "--dry-run", "--json").json
    assert (told["dry_run"], [item["why"] for item in told["removed"]], told["kept"]) == (True, ["no version"], [])
    assert (filled.home / gone.uri / "data").exists()
    assert "kept\t" in qamat("artifacts", "gc", "--older-than", "1").out
    done = qamat("artifacts", "gc", "--json").json
    assert done == told | {"dry_run": False}
    assert not any((filled.home / gone.uri / "data").iterdir())
    assert qamat("artifacts", "gc").out == "removed 0 directories, 0 B; kept 0\n"
    assert qamat("artifacts", "verify", "--json").json["damaged"] == []


def test_jobs_that_go_on_placing_are_one_line(refused, filled, monkeypatch):
    monkeypatch.setattr(collecting, "_PATIENCE", 0.0)
    with collecting.alone(filled.home, timedelta(seconds=1).total_seconds()):
        assert "jobs are placing what they made: run it again when they are done" in refused("artifacts", "gc")
