"""Tags: moved by one registry row, back to what they named before, safe when two move at once."""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qamat_core.store.registry import Registry
from qamat_core.store.store import Store
from qamat_core.store.tags import NOBODY, current_tags, find_tag, history, move_tag, roll_back
from schemas.artifacts import ArtifactRef
from schemas.errors import ConfigError, MissingArtifactError, PromotionError
from tests.qamat_core.store.jobs import make_directory, make_table
from tests.qamat_core.store.test_produce import PROJECT


@pytest.fixture
def versions(store: Store) -> list[ArtifactRef]:
    return [make_directory(store, text) for text in "abc"]


def test_a_tag_names_what_it_was_moved_to(store: Store, versions: list[ArtifactRef]):
    first, second, _ = versions
    assert move_tag(store.registry, "production", first).number == 0
    assert move_tag(store.registry, "production", second).number == 1
    assert move_tag(store.registry, "staging", first).number == 0
    assert {name: tag.target for name, tag in current_tags(store.registry).items()} == {
        "production": second,
        "staging": first,
    }
    assert [tag.target for tag in history(Store(store.home).registry, "production")] == [first, second]


def test_naming_what_is_named_already_writes_nothing(store: Store, versions: list[ArtifactRef]):
    tag = move_tag(store.registry, "production", versions[0])
    assert move_tag(store.registry, "production", versions[0]) == tag
    assert len(store.registry.tags()) == 1


def test_tags_are_no_artifacts(store: Store, versions: list[ArtifactRef]):
    move_tag(store.registry, "small", versions[0])
    assert [row.ref for row in store.registry.rows()] == versions
    with pytest.raises(MissingArtifactError, match="tag/small is not registered"):
        store.newest("tag", "small")


def test_a_rollback_goes_back_again_and_again(store: Store, versions: list[ArtifactRef]):
    for version in versions:
        move_tag(store.registry, "production", version)
    assert roll_back(store.registry, "production").target == versions[1]
    assert roll_back(store.registry, "production").target == versions[0]
    with pytest.raises(MissingArtifactError, match=r"production \(checkpoint/small@0\) has named nothing before"):
        roll_back(store.registry, "production")
    assert [tag.target for tag in history(store.registry, "production")] == [*versions, versions[1], versions[0]]
    move_tag(store.registry, "production", versions[2])
    assert roll_back(store.registry, "production").target == versions[0]


@settings(max_examples=15)
@given(moves=st.lists(st.sampled_from(["a", "b", "back"]), max_size=12))
def test_moves_and_rollbacks_are_a_stack(tmp_path_factory: pytest.TempPathFactory, moves: list[str]):
    store = Store(tmp_path_factory.mktemp("tags"))
    named = {text: make_directory(store, text) for text in "ab"}
    stack: list[ArtifactRef] = []
    for move in moves:
        if move != "back":
            move_tag(store.registry, "t", named[move])
            stack += [named[move]] if not stack or stack[-1] != named[move] else []
        elif len(stack) > 1:
            stack.pop()
            assert roll_back(store.registry, "t").target == stack[-1]
        else:
            with pytest.raises(MissingArtifactError):
                roll_back(store.registry, "t")
    assert not stack or find_tag(store.registry, "t").target == stack[-1]


def test_a_move_that_expects_another_state_is_refused(store: Store, versions: list[ArtifactRef]):
    move_tag(store.registry, "production", versions[0], expected=NOBODY)
    with pytest.raises(PromotionError, match=r"production \(checkpoint/small@0\) was moved by another meanwhile"):
        move_tag(store.registry, "production", versions[1], expected=NOBODY)
    move_tag(store.registry, "production", versions[1], expected=0)
    assert find_tag(store.registry, "production").target == versions[1]


def test_a_rollback_that_another_move_overtakes_is_refused(
    store: Store, versions: list[ArtifactRef], monkeypatch: pytest.MonkeyPatch
):
    for version in versions[:2]:
        move_tag(store.registry, "production", version)
    append = Registry.append

    def overtaken(registry: Registry, rows):
        monkeypatch.setattr(Registry, "append", append)
        move_tag(Store(store.home).registry, "production", versions[2])
        return append(registry, rows)

    monkeypatch.setattr(Registry, "append", overtaken)
    with pytest.raises(PromotionError, match="was moved by another meanwhile"):
        roll_back(store.registry, "production")
    assert find_tag(store.registry, "production").target == versions[2]


@pytest.mark.parametrize("name", ["", "-a", "A", "a_b", "a/b", "x" * 65, "../x", "a\n"])
def test_a_name_that_is_none_is_refused(store: Store, versions: list[ArtifactRef], name: str):
    with pytest.raises(ConfigError, match="1 to 64 lower-case letters, digits and hyphens"):
        move_tag(store.registry, name, versions[0])
    assert store.registry.tags() == []


def test_what_is_not_registered_cannot_be_named(store: Store, versions: list[ArtifactRef]):
    with pytest.raises(MissingArtifactError, match="is not registered here"):
        move_tag(store.registry, "t", versions[0].model_copy(update={"content": "0" * 64}))
    with pytest.raises(MissingArtifactError, match="there is no tag 't'; tags: none"):
        find_tag(store.registry, "t")
    for version in versions[:2]:
        move_tag(store.registry, "t", version)
    store.registry.remove([versions[0].key])
    with pytest.raises(MissingArtifactError, match="t named checkpoint/small@0 before, which is registered no more"):
        roll_back(store.registry, "t")


MOVER = """
import sys, time
from pathlib import Path
from qamat_core.store.store import Store
from qamat_core.store.tags import move_tag
from schemas.errors import PromotionError

home, start, expected, text = sys.argv[1:]
store = Store(home)
target = store.newest("rejects", text)
while not Path(start).exists():
    time.sleep(0.002)
try:
    print(move_tag(store.registry, "t", target, expected=int(expected) if expected else None).number)
except PromotionError:
    print("refused")
"""


@pytest.mark.parametrize(("expected", "numbers"), [("", ["1", "2", "3"]), ("0", ["1", "refused", "refused"])])
def test_processes_that_move_a_tag_at_once_lose_no_move(
    store: Store, tmp_path: Path, expected: str, numbers: list[str]
):
    names = ["a", "b", "c"]
    for name in ["first", *names]:
        make_table(store, name, name)
    move_tag(store.registry, "t", store.newest("rejects", "first"))
    start = tmp_path / "start"
    movers = [
        subprocess.Popen(
            [sys.executable, "-c", MOVER, str(store.home), str(start), expected, name],
            stdout=subprocess.PIPE,
            text=True,
            cwd=PROJECT,
        )
        for name in names
    ]
    start.touch()
    printed = [mover.communicate(timeout=120)[0].strip() for mover in movers]
    assert sorted(printed) == numbers
    tags = history(store.registry, "t")
    assert [tag.number for tag in tags] == list(range(len(tags)))
    for name, number in zip(names, printed, strict=True):
        if number != "refused":
            assert tags[int(number)].target.name == name
