"""Each table of the report as a flow of its own: what `qamat reproduce --only TABLE` makes."""

from typing import Final

from prefect import Flow

from flows.ordered import ordered
from flows.reproduce import make
from flows.resuming import reused
from qamat_core.report.layouts import LAYOUTS
from schemas.artifacts import ArtifactRef
from schemas.study_orders import Reproduce, ReproduceTable, TableName

_TITLES: Final = {layout.table: f"{layout.name}: {layout.title}." for layout in LAYOUTS}


def _flow_of(table: TableName) -> Flow[[ReproduceTable], ArtifactRef]:
    described = f"{_TITLES.get(table, table)} What it needs is made, or found where another run has made it."

    @ordered(f"reproduce-{table}", described)
    def reproduce_table(order: ReproduceTable) -> ArtifactRef:
        return make(Reproduce(**dict(reused(order)), only=(table,)))

    return reproduce_table


table1 = _flow_of("table1")
table2 = _flow_of("table2")
sizes = _flow_of("sizes")
table3 = _flow_of("table3")
table4 = _flow_of("table4")
table5 = _flow_of("table5")
table6 = _flow_of("table6")
table7 = _flow_of("table7")
figure7 = _flow_of("figure7")
speed = _flow_of("speed")
integration = _flow_of("integration")
abstention = _flow_of("abstention")
attribution = _flow_of("attribution")
ablations = _flow_of("ablations")
