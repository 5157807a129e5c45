"""Runs of deployments: their names, how they end, and what a user's fault leaves in log and state."""

import logging
import time
from pathlib import Path
from typing import Any

import pytest
from prefect import Flow, get_client
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.client.schemas.sorting import FlowRunSort

from flows.ordered import OnlyPlannedError, TookTooLongError, ordered
from schemas.errors import ConfigError, InputError, MissingArtifactError
from schemas.orders import TrainQamat

pytestmark = pytest.mark.usefixtures("prefect")


def flow_that(error: Exception | None) -> Flow[[TrainQamat], str]:
    @ordered("tried-flow")
    def tried(order: TrainQamat) -> str:
        """Return the model's name, or fail."""
        if error:
            raise error
        return order.name

    return tried


def newest() -> FlowRun:
    with get_client(sync_client=True) as client:
        return client.read_flow_runs(sort=FlowRunSort.START_TIME_DESC, limit=1)[0]


def end_of(run: FlowRun) -> tuple[StateType, str | None]:
    assert run.state
    return run.state.type, run.state.message


def test_a_run_is_called_after_what_it_makes_and_gives_it(home: Path):
    order = TrainQamat(home=str(home), name="ours", preset="toy", seed=3)
    assert flow_that(None)(order) == "ours"
    assert newest().name == "tried-flow ours toy s3"
    assert end_of(newest()) == (StateType.COMPLETED, "0 steps made, 0 found")


def test_a_users_fault_is_one_line_in_state_and_log(home: Path, caplog: pytest.LogCaptureFixture):
    line = "qa_pairs/nowhere is not registered: run `qamat corpus regenerate`"
    with pytest.raises(MissingArtifactError, match="qa_pairs/nowhere"):
        flow_that(MissingArtifactError(line))(TrainQamat(home=str(home)))
    assert end_of(newest()) == (StateType.FAILED, line)
    told = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert [record.getMessage() for record in told] == [line]
    assert not [record for record in caplog.records if record.exc_info]


def test_the_engine_does_not_tell_a_users_fault_again(caplog: pytest.LogCaptureFixture):
    for error, told in ((InputError("no file"), False), (KeyError("a defect"), True)):
        caplog.clear()
        try:
            raise error
        except type(error):
            logging.getLogger("prefect.engine").exception("Engine execution exited with unexpected exception")
        assert bool(caplog.records) is told


def test_a_defect_keeps_its_traceback(home: Path, caplog: pytest.LogCaptureFixture):
    with pytest.raises(KeyError):
        flow_that(KeyError("a defect"))(TrainQamat(home=str(home)))
    assert newest().state_type == StateType.FAILED
    assert [record for record in caplog.records if record.exc_info]


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({"start": "t5", "stages": ["global"]}, "order: start is where the stage inbatch starts"),
        ({"seed": -1}, "order.seed: Input should be greater than or equal to 0"),
        ({"preset": "huge"}, "order.preset: Input should be 'toy', "),
    ],
)
def test_an_order_that_is_not_valid_is_refused_in_one_line(fields: dict[str, Any], line: str):
    given: Any = fields
    with pytest.raises(ConfigError) as refused:
        flow_that(None)(given)
    assert str(refused.value).startswith(line)
    assert newest().name == "tried-flow"
    assert end_of(newest()) == (StateType.FAILED, str(refused.value))
    assert "\n" not in str(refused.value)


def test_a_dry_run_ends_well_with_its_plan(home: Path):
    order = TrainQamat(home=str(home), name="ours", preset="toy", dry_run=True)
    assert flow_that(OnlyPlannedError("Plan of ours: 2 steps found"))(order) is None
    assert newest().name == "tried-flow ours toy s0 (dry run)"
    assert end_of(newest()) == (StateType.COMPLETED, "Plan of ours: 2 steps found")


def test_a_run_ends_at_its_longest_time(home: Path):
    @ordered("slow-flow")
    def slow(order: TrainQamat) -> None:
        """Sleep for longer than is allowed."""
        for _ in range(1000):
            time.sleep(0.01)

    with pytest.raises(TookTooLongError, match="longest time"):
        slow(TrainQamat(home=str(home), hours=0.2 / 3600))
    assert newest().state_type == StateType.FAILED


def test_a_timeout_of_something_else_is_no_longest_time(home: Path):
    with pytest.raises(TimeoutError, match="the store"):
        flow_that(TimeoutError("the store does not answer"))(TrainQamat(home=str(home)))
