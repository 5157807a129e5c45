"""Going on where an earlier run was, and showing what a run would do, before anything is made.

What is made already is found in any case. ``start_at`` and ``reuse_run`` of an order are promises about it, which are
held against the plan of the run: one that does not hold ends the run with one line.
"""

from collections.abc import Callable, Mapping
from typing import TypeVar
from uuid import UUID

from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowFilter, FlowFilterName, FlowRunFilter, FlowRunFilterId, FlowRunFilterName
from prefect.client.schemas.objects import FlowRun
from prefect.client.schemas.sorting import FlowRunSort
from prefect.runtime import flow_run
from pydantic import ValidationError

from flows.ordered import OnlyPlannedError
from flows.plan_text import show, summary
from flows.planning import Plan, PlannedStep, plan_of
from qamat_core.planning.durations import MINI
from qamat_core.store.store import Store
from schemas.errors import ConfigError, MissingArtifactError
from schemas.order_forms import Order, Resumable
from schemas.orders import RegenerateCorpus, TrainQamat
from schemas.study_orders import ReproduceTable

Startable = RegenerateCorpus | TrainQamat | ReproduceTable
"""Orders that may start at a stage."""
O = TypeVar("O", bound=Resumable)  # noqa: E741 - an order


def reused(order: O) -> O:
    """Return the order of the earlier run that is named, else the order itself.

    ``reuse_run`` becomes that run's id.

    Raises:
        MissingArtifactError: no run of this flow is called so.
        ConfigError: its order cannot be taken.
    """
    if order.reuse_run is None:
        return order
    run = _find_run(order.reuse_run)
    kept = {field: getattr(order, field) for field in ("dry_run", "start_at", "hours")}
    try:
        earlier = type(order).model_validate(run.parameters["order"])
        taken = type(order).model_validate({**dict(earlier), **kept, "reuse_run": str(run.id)})
    except (ValidationError, KeyError) as error:
        fault = error.errors()[0]["msg"] if isinstance(error, ValidationError) else "it has none"
        raise ConfigError(f"reuse_run {run.name}: its order cannot be taken ({fault}): give the order itself") from None
    if earlier.reuse_run:
        raise ConfigError(f"reuse_run {run.name} has its order from {earlier.reuse_run}: name that run")
    return taken


def foresee(order: Startable, work: Callable[[], object], before: Callable[[PlannedStep], bool]) -> bool:
    """Hold the promises of an order against the plan of its work, which is shown then; say whether there are any.

    Args:
        order: what is asked for.
        work: takes the steps; it may not open what they give.
        before: says that a step belongs to a stage before ``start_at``.

    Raises:
        ConfigError: a step before ``start_at`` is not made yet, or what the reused run made would not be used.
        OnlyPlannedError: it is a dry run.
    """
    if not (order.dry_run or order.start_at or order.reuse_run):
        return False
    plan = plan_of(work, order.label, order.home, durations(order))
    show(plan, order.name)
    if order.start_at:
        _check_start(plan, order.start_at, before)
    if order.reuse_run:
        _check_reused(plan, order.reuse_run, Store(order.home))
    if order.dry_run:
        raise OnlyPlannedError(summary(plan))
    return True


def durations(order: Order) -> Mapping[str, float]:
    """Return how long steps take that the home knows nothing of."""
    return MINI if order.preset == "mini" else {}


def _check_start(plan: Plan, start: str, before: Callable[[PlannedStep], bool]) -> None:
    missing = [one for one in plan.missing if before(one)]
    if missing:
        raise ConfigError(
            f"start_at {start}: of what comes before it, {len(missing)} steps are not made as this order wants them, "
            f"first {missing[0].step} {missing[0].name}: leave start_at out, and they are made"
        )


def _check_reused(plan: Plan, run_id: str, store: Store) -> None:
    used = {key for step in plan.steps for key in step.keys.values()}
    lost = [row.ref for row in store.registry.rows() if row.flow_run_id == run_id and row.ref.key not in used]
    if lost:
        raise ConfigError(
            f"reuse_run {run_id}: of what it made, {len(lost)} artifacts would not be used, first {lost[0]}: the code "
            "or a file has changed since; give the order itself, and what changed is made anew"
        )


def _find_run(called: str) -> FlowRun:
    own = flow_run.flow_name
    wanted = FlowRunFilter(name=FlowRunFilterName(any_=[called]))
    if identity := _uuid(called):
        wanted = FlowRunFilter(id=FlowRunFilterId(any_=[identity]))
    with get_client(sync_client=True) as client:
        found = client.read_flow_runs(
            flow_filter=FlowFilter(name=FlowFilterName(any_=[str(own)])),
            flow_run_filter=wanted,
            sort=FlowRunSort.START_TIME_DESC,
        )
    earlier = [run for run in found if str(run.id) != flow_run.id and run.start_time]
    if not earlier:
        raise MissingArtifactError(f"reuse_run {called}: no earlier run of {own} has this name or id")
    return earlier[0]


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
