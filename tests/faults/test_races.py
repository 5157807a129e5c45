"""Two processes that make the same version, or two versions of one name, at the same moment."""

from pathlib import Path

import pytest

from qamat_core.store.store import Store
from tests.faults.conftest import trials
from tests.faults.runs import Runs, contents
from tests.qamat_core.store.test_produce import race

pytestmark = [pytest.mark.faults, pytest.mark.timeout(3600)]


@pytest.mark.parametrize("kind", ["table", "directory"])
def test_two_that_make_the_same_version_end_with_one(kind: str, tmp_path: Path):
    for seed in trials(15):
        home = tmp_path / str(seed) / "home"
        home.parent.mkdir()
        assert len(set(race(home, home.parent, kind, ["a", "a"]))) == 1
        (row,) = Store(home).registry.rows()
        assert not Store(home).faults(row)


@pytest.mark.parametrize("kind", ["table", "directory"])
def test_two_that_make_versions_of_one_name_end_with_both(kind: str, tmp_path: Path):
    for seed in trials(20):
        home = tmp_path / str(seed) / "home"
        home.parent.mkdir()
        race(home, home.parent, kind, ["a", "b"])
        store = Store(home)
        rows = store.registry.rows()
        assert sorted(row.ref.version for row in rows) == [0, 1]
        assert not [fault for row in rows for fault in store.faults(row)]


def test_two_runs_of_one_flow_share_the_work(forks: Runs, undisturbed: Path, tmp_path: Path):
    home = tmp_path / "home"
    both = [forks.start(home), forks.start(home)]
    for process in both:
        process.join()
    assert [process.exitcode for process in both] == [0, 0], Path(f"{home}.log").read_text()[-3000:]
    assert contents(home) == contents(undisturbed)
