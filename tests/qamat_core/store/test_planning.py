"""While a planner is set, a store makes nothing."""

from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

import pytest

from qamat_core.store.planning import placeholders, planner, planning
from qamat_core.store.store import Job, Store
from schemas.artifacts import ArtifactRef
from schemas.errors import ConfigError, MissingArtifactError
from tests.qamat_core.store.jobs import RejectsConfig, make_table, table_job


class Told:
    """Remembers the jobs and gives placeholders."""

    def __init__(self) -> None:
        self.jobs: list[Job] = []

    def ask(self, job: Job) -> Mapping[str, ArtifactRef]:
        self.jobs.append(job)
        return placeholders(job)


def refuse(work: Path) -> NoReturn:
    raise AssertionError(work)


def test_the_planner_is_told_and_nothing_is_built(store: Store):
    told, job = Told(), table_job()
    with planning(told):
        made = store.produce(job, refuse)
    assert planner() is None
    assert told.jobs == [job]
    assert made == placeholders(job)
    assert not store.registry.rows()
    assert not list((store.home / "work").iterdir())


def test_a_placeholder_has_the_key_and_cannot_be_opened(store: Store):
    made = placeholders(table_job())["rows"]
    assert made.key == table_job().keys()["rows"]
    with pytest.raises(MissingArtifactError):
        store.open_table(made)


def test_what_is_made_of_a_placeholder_has_a_key_of_its_own(store: Store):
    first, second = (placeholders(table_job(RejectsConfig(text=text)))["rows"] for text in "ab")
    other = make_table(store)
    keys = {table_job(name="next", given=ref).keys()["rows"] for ref in (first, second, other)}
    assert len(keys) == 3


def test_a_name_that_is_too_long_is_refused_in_the_plan(store: Store):
    with planning(Told()), pytest.raises(ConfigError, match="give a shorter one"):
        store.produce(table_job(name="n" * 65), refuse)
