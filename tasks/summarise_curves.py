"""Training curves of one stage as figures: checkpoints, one a seed -> metrics, the mean over seeds at every step."""

from collections.abc import Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import pyarrow as pa

from qamat_core.store.store import Job, Store, TableDraft, write_table
from qamat_core.training.checkpoint import load_history
from schemas.artifacts import ArtifactRef, Name
from schemas.evaluation import CurveConfig
from schemas.resources import Resources
from schemas.tables import METRICS

MEASURES: Final = MappingProxyType({"recall_at_1": ("training_recall", 100.0), "answer_loss": ("training_loss", 1.0)})
"""Column of a curve -> its metric, and what its values are multiplied by (shares become percentages)."""


def run(config: CurveConfig, checkpoints: Sequence[ArtifactRef], *, name: Name, resources: Resources) -> ArtifactRef:
    """Return the figures of a curve; ``x`` is the step."""
    store = Store(resources.home)
    inputs = {f"seed-{number}": ref for number, ref in enumerate(checkpoints)}
    job = Job(module=__name__, config=config, inputs=inputs, outputs={"metrics": ("metrics", name)})

    def build(work: Path) -> dict[str, TableDraft]:
        rows = curve_rows(config, [load_history(store.open_directory(ref)) for ref in checkpoints])
        return {"metrics": write_table(rows, "metrics", work, read=rows.num_rows)}

    return store.produce(job, build)["metrics"]


def curve_rows(config: CurveConfig, histories: Sequence[pa.Table]) -> pa.Table:
    """Return ``metrics`` rows without intervals: the mean over the curves at every step of the first one."""
    steps = histories[0].column("step").to_pylist()
    place = config.place.model_dump() | {"source": "measured", "low": None, "high": None, "n": None, "seed": None}
    rows: list[dict[str, Any]] = []
    for column, (metric, factor) in MEASURES.items():
        means = factor * np.mean([history.column(column).to_numpy() for history in histories], axis=0)
        rows += [
            place | {"metric": metric, "x": float(step), "value": float(mean)}
            for step, mean in zip(steps, means, strict=True)
        ]
    return pa.Table.from_pylist(rows, schema=METRICS)
