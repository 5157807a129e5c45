"""What the deployments of prefect.yaml need on a server: their work pool, and an end for runs that were cut off."""

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
    WorkPoolFilter,
    WorkPoolFilterName,
)
from prefect.client.schemas.objects import StateType
from prefect.exceptions import ObjectAlreadyExists
from prefect.settings import PREFECT_API_URL, temporary_settings
from prefect.states import Crashed
from prefect.workers.process import ProcessWorker

POOL = "qamat"
UNDER_WAY = [StateType.PENDING, StateType.RUNNING, StateType.CANCELLING]


def prepare(url: str) -> None:
    """Make the work pool, unless it is there, and end what an earlier server left under way."""
    with _client(url) as client:
        template = ProcessWorker.get_default_base_job_template()
        try:
            client.create_work_pool(WorkPoolCreate(name=POOL, type="process", base_job_template=template))
        except ObjectAlreadyExists:
            end_cut_off(url)


def end_cut_off(url: str) -> int:
    """Mark the pool's runs that no worker runs any more as crashed: else they keep later ones waiting; count them."""
    states = FlowRunFilter(state=FlowRunFilterState(type=FlowRunFilterStateType(any_=UNDER_WAY)))
    pool = WorkPoolFilter(name=WorkPoolFilterName(any_=[POOL]))
    with _client(url) as client:
        runs = client.read_flow_runs(flow_run_filter=states, work_pool_filter=pool)
        for run in runs:
            state = Crashed(message="The server was stopped. Run it again: it goes on where it was.")
            client.set_flow_run_state(run.id, state, force=True)
    return len(runs)


def _client(url: str) -> SyncPrefectClient:
    with temporary_settings(updates={PREFECT_API_URL: url}):
        return get_client(sync_client=True)
