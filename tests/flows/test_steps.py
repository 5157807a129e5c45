"""Steps: what is tried again, what is counted, what the registry and the UI learn."""

from collections.abc import Callable
from pathlib import Path

import pytest
from prefect import flow, get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterType

from flows import steps
from qamat_core import progress
from qamat_core.store.store import Store
from schemas.artifacts import ArtifactRef
from schemas.errors import InputError
from schemas.orders import RegenerateCorpus
from schemas.resources import Resources
from tests.qamat_core.store.jobs import make_table

pytestmark = pytest.mark.usefixtures("prefect")


def make(text: str, *, name: str, resources: Resources) -> ArtifactRef:
    """A task that makes one small table."""
    return make_table(Store(resources.home), text, name)


def run_once(step: Callable[..., object], home: Path, *texts: str) -> steps.Tally:
    """Run a flow of one step for each text; return the count of its steps."""

    @flow(name="test")
    def order() -> None:
        for text in texts:
            step(text, name="small", resources=Resources(home=str(home)))

    with steps.counting() as tally:
        order()
    return tally


def test_a_step_is_made_once_and_found_afterwards(home: Path):
    step = steps._step("make", make)
    assert run_once(step, home, "a", "b") == steps.Tally(computed=2, reused=0)
    assert run_once(step, home, "a", "b", "c") == steps.Tally(computed=1, reused=2)
    assert run_once(step, home, "d", "d") == steps.Tally(computed=1, reused=1)


def test_the_registry_names_the_flow_run(home: Path):
    run_once(steps._step("make", make), home, "a")
    run_id = Store(home).registry.rows()[0].flow_run_id
    with get_client(sync_client=True) as client:
        assert client.read_flow_run(run_id).flow_id is not None


@pytest.mark.parametrize(
    ("error", "attempts"), [(OSError("disk full"), 3), (InputError("bad file"), 1), (KeyError("defect"), 1)]
)
def test_only_what_may_pass_is_tried_again(home: Path, error: Exception, attempts: int, monkeypatch):
    tried: list[str] = []

    def fail(text: str, *, name: str, resources: Resources) -> ArtifactRef:
        tried.append(text)
        raise error

    step = steps._step("fail", fail).task.with_options(retry_delay_seconds=0)
    with pytest.raises(type(error)) as raised:
        run_once(step, home, "a")
    assert str(raised.value) == str(error)
    assert len(tried) == attempts


def test_a_fault_that_passes_is_overcome(home: Path):
    faults = [OSError("lost"), OSError("lost")]

    def shaky(text: str, *, name: str, resources: Resources) -> ArtifactRef:
        if faults:
            raise faults.pop()
        return make(text, name=name, resources=resources)

    step = steps._step("shaky", shaky).task.with_options(retry_delay_seconds=0)
    assert run_once(step, home, "a") == steps.Tally(computed=1, reused=0)


def test_progress_stands_in_the_ui(home: Path):
    def slow(text: str, *, name: str, resources: Resources) -> ArtifactRef:
        for done in (1, 2, 3):
            progress.report("a stage of its own", done, 3, {"loss": 0.5})
        return make(text, name=name, resources=resources)

    run_once(steps._step("slow", slow), home, "a")
    wanted = ArtifactFilter(type=ArtifactFilterType(any_=["progress"]))
    with get_client(sync_client=True) as client:
        found = [item for item in client.read_artifacts(artifact_filter=wanted) if item.key == "a-stage-of-its-own"]
    assert [item.data for item in found] == [100.0]
    assert found[0].description == "a stage of its own: 3 of 3 (loss 0.5)"


def test_every_step_is_a_task_module_of_its_own():
    names = [step.name for step in vars(steps).values() if isinstance(step, steps.Step)]
    assert len(names) == len(set(names)) > 15


def test_references_are_found_wherever_they_stand(store: Store):
    one, other = make_table(store, "a"), make_table(store, "b")
    assert list(steps.references({"x": [one, (other, 3)], "y": "text"})) == [one, other]


def test_orders_refuse_what_they_do_not_know():
    with pytest.raises(ValueError, match="preset"):
        RegenerateCorpus.model_validate({"preset": "huge"})
    with pytest.raises(ValueError, match="colour"):
        RegenerateCorpus.model_validate({"colour": "red"})
