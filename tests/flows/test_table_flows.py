"""Every table is a flow and a deployment of its own, and makes what `--only` makes."""

from importlib import import_module
from typing import Any, get_args

import pytest
import yaml
from prefect import Flow

from flows import table_flows
from flows.server import PREFECT_FILE
from schemas.study_orders import Reproduce, ReproduceTable, TableName

TABLES = get_args(TableName)
DEPLOYED = {one["name"]: one for one in yaml.safe_load(PREFECT_FILE.read_text())["deployments"]}


def flow_at(entrypoint: str) -> Flow[..., Any]:
    module, _, name = entrypoint.rpartition(".")
    return getattr(import_module(module), name)


@pytest.mark.parametrize("table", TABLES)
def test_a_table_is_deployed(table: str):
    deployment = DEPLOYED[f"reproduce-{table}"]
    assert flow_at(deployment["entrypoint"]).name == f"reproduce-{table}"
    assert deployment["work_pool"] == DEPLOYED["reproduce-paper"]["work_pool"]
    assert deployment["concurrency_limit"] == DEPLOYED["reproduce-paper"]["concurrency_limit"]
    assert ReproduceTable.model_validate(deployment["parameters"]["order"]).out == f"report-{table}"


@pytest.mark.parametrize("table", TABLES)
def test_its_flow_makes_what_only_makes(table: str, monkeypatch: pytest.MonkeyPatch):
    made: list[Reproduce] = []
    monkeypatch.setattr(table_flows, "make", made.append)
    order = {"preset": "toy", "seeds": 2, "split": "dev", "home": "elsewhere", "mesh": {"data": 2}}
    flow_at(DEPLOYED[f"reproduce-{table}"]["entrypoint"]).fn(ReproduceTable.model_validate(order))
    assert made == [Reproduce.model_validate(order | {"only": [table]})]
