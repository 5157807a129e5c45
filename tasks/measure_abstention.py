"""Figures of abstention: predictions and a calibration, one of each a seed -> metrics.

Answers are sorted by their log-probability, by the retrieval margin, by the weight of the best entry, and by the
calibrated confidence, which is to beat the others.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from qamat_core.evaluation.abstention import BIASED, MEASURES, confidences, measure
from qamat_core.evaluation.calibration import Confidence
from qamat_core.evaluation.predictions import signals_of
from qamat_core.evaluation.summary import percentages
from qamat_core.store.store import Job, Store, TableDraft, write_table
from schemas.artifacts import ArtifactRef, Name
from schemas.errors import InputError
from schemas.evaluation import AbstentionConfig
from schemas.resources import Resources
from schemas.tables import METRICS


@dataclass(frozen=True)
class AbstentionRun:
    """One seed: its predictions, and the calibration of the model that made them."""

    predictions: ArtifactRef
    calibration: ArtifactRef


def run(config: AbstentionConfig, runs: Sequence[AbstentionRun], *, name: Name, resources: Resources) -> ArtifactRef:
    """Return the metrics of the seeds' answers to the same questions."""
    store = Store(resources.home)
    inputs = {f"{label}-{number}": ref for number, one in enumerate(runs) for label, ref in vars(one).items()}
    job = Job(module=__name__, config=config, inputs=inputs, outputs={"metrics": ("metrics", name)})

    def build(work: Path) -> dict[str, TableDraft]:
        given = [
            (store.open_table(one.predictions), Confidence.load(store.open_directory(one.calibration))) for one in runs
        ]
        rows = abstention_rows(config, given)
        return {"metrics": write_table(rows, "metrics", work, read=rows.num_rows)}

    return store.produce(job, build)["metrics"]


def abstention_rows(config: AbstentionConfig, runs: Sequence[tuple[pa.Table, Confidence]]) -> pa.Table:
    """Return ``metrics`` rows, one set for everything that answers are sorted by.

    Raises:
        InputError: there are no predictions.
    """
    tables = [predictions.sort_by("example_id") for predictions, _ in runs]
    if not tables or not tables[0].num_rows:
        raise InputError("a table of predictions is empty: nothing to measure; check the questions' split")
    right = np.stack([table.column("exact_match").to_numpy().astype(bool) for table in tables])
    sure = [confidences(signals_of(table), confidence) for table, (_, confidence) in zip(tables, runs, strict=True)]
    place = config.place.model_dump() | {"source": "measured", "n": right.shape[1]}
    place["seed"] = config.seed if len(runs) == 1 else None
    rows: list[dict[str, Any]] = []
    for row in sure[0]:
        intervals = measure(np.stack([one[row] for one in sure]), right, config.resamples)
        for (metric, x), interval in zip(MEASURES, intervals, strict=True):
            columns = percentages(metric, config.place.k, interval) | {"row": row, "x": x}
            rows.append(place | columns | ({"low": None, "high": None} if metric in BIASED else {}))
    return pa.Table.from_pylist(rows, schema=METRICS)
