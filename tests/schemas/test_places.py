"""Orders reach what lies under the roots of their machine, and nothing else, however it is spelt."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.places import ROOTS, allowed, allowed_model, allowed_passages, allowed_questions, apart
from schemas.study_orders import Reproduce


@pytest.fixture
def rooted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine that allows tmp_path/root and s3://bucket/homes; beside the root lie root-2 and a link out of it."""
    root = tmp_path / "root"
    (root / "data").mkdir(parents=True)
    (tmp_path / "root-2").mkdir()
    (root / "out").symlink_to(tmp_path / "root-2")
    (root / "in").symlink_to(root / "data")
    monkeypatch.setenv(ROOTS, f"{root}, s3://bucket/homes")
    monkeypatch.delenv("QAMAT_HOME", raising=False)
    monkeypatch.chdir(root)
    return root


@pytest.mark.parametrize(
    "place", ["{root}", "{root}/data/x.jsonl", "data/new", ".", "in/x", "data/../data", "{root}//data"]
)
def test_what_lies_under_a_root_is_allowed(rooted: Path, place: str):
    assert allowed(place.format(root=rooted)) == place.format(root=rooted)


def test_addresses_under_a_root_are_allowed(rooted: Path):
    for place in ("s3://bucket/homes", "s3://bucket/homes/mine"):
        assert allowed(place) == place


@pytest.mark.parametrize(
    "place",
    [
        "/etc/passwd",
        "{root}-2",
        "{root}/../root-2/x",
        "..",
        "out/x",
        "out",
        "/",
        "/proc/self/environ",
        "s3://bucket",
        "s3://bucket/homes-2",
        "s3://bucket/homes/../other",
        "s3://bucket/homes/%2e%2e/other",
        "s3://other/homes",
        "gs://bucket/homes",
        "file:///etc/passwd",
        "http://169.254.169.254/latest",
        "{root}://x",
    ],
)
def test_what_lies_elsewhere_is_refused_with_the_roots(rooted: Path, place: str):
    with pytest.raises(ValueError, match=r"lies under none of QAMAT_ROOTS .*; give a place below one of them"):
        allowed(place.format(root=rooted))


@pytest.mark.parametrize("place", ["a\x00b", "a\nb", "\x1b[2J", "a\x7f"])
def test_control_characters_are_refused_everywhere(place: str):
    with pytest.raises(ValueError, match="control characters"):
        allowed(place)


def test_without_roots_a_person_reaches_what_the_system_lets_them(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv(ROOTS, raising=False)
    assert allowed("/etc/hostname") == "/etc/hostname"


def test_the_machines_own_home_is_allowed(rooted: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("QAMAT_HOME", "s3://ours/home")
    assert allowed("s3://ours/home") == "s3://ours/home"
    with pytest.raises(ValueError, match="lies under none"):
        allowed("s3://ours/other")


def test_names_that_are_no_paths_stay_what_they_are(rooted: Path):
    assert allowed_passages("wiki-vital") == "wiki-vital"
    assert allowed_questions("world-train") == "world-train"
    assert allowed_model("google/t5-v1_1-base") == "google/t5-v1_1-base"
    for place in ("../root-2", "/etc/passwd", "out/x/y"):
        with pytest.raises(ValueError, match="lies under none"):
            allowed_model(place)


@given(st.lists(st.sampled_from(["..", ".", "data", "out", "x", ""]), max_size=6))
def test_a_path_is_allowed_if_and_only_if_it_comes_to_lie_under_the_root(parts: list[str]):
    place = "/".join(parts)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(ROOTS, "/srv/root")
        patch.delenv("QAMAT_HOME", raising=False)
        inside = Path(f"/srv/root/{place}").resolve().is_relative_to("/srv/root")
        try:
            allowed(f"/srv/root/{place}")
            assert inside
        except ValueError:
            assert not inside


@pytest.mark.parametrize("out", ["home", "home/report/world/0123", "home/../home/x", "link", "./home/"])
def test_a_report_does_not_go_among_the_artifacts(out: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "home").mkdir()
    (tmp_path / "link").symlink_to("home")
    monkeypatch.chdir(tmp_path)
    for home in ("home", str(tmp_path / "home")):
        with pytest.raises(ValueError, match=r"^out: .* lies in a home, .* give a folder beside it$"):
            apart(out, home)


def test_it_goes_into_no_other_home_either(tmp_path: Path):
    (tmp_path / "other" / "registry" / "_delta_log").mkdir(parents=True)
    for out in ("other", "other/report/world/0123"):
        with pytest.raises(ValueError, match="lies in a home"):
            apart(str(tmp_path / out), str(tmp_path / "home"))
    apart(str(tmp_path / "other-report"), str(tmp_path / "home"))


@pytest.mark.parametrize("out", ["report", "home-2", ".", None])
@pytest.mark.parametrize("home", ["home", "s3://bucket/home"])
def test_it_goes_beside_them(out: str | None, home: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "registry").mkdir()  # somebody's own folder of that name makes no home
    assert Reproduce(out=out, home=home).out == out
