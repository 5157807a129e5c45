"""Figures of finished runs: predictions of one seed or of several -> metrics."""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from qamat_core.evaluation.summary import aggregate, summarise
from qamat_core.store.store import Job, Store, TableDraft, write_table
from schemas.artifacts import ArtifactRef, Name
from schemas.evaluation import Place, SummaryConfig
from schemas.resources import Resources


def run(config: SummaryConfig, predictions: Sequence[ArtifactRef], *, name: Name, resources: Resources) -> ArtifactRef:
    """Return the metrics of the runs (one ``predictions`` table a seed), at every place of the configuration.

    One run gives its own figures with intervals over questions; several give means over seeds with intervals over
    questions and seeds, and a null ``seed``.
    """
    store = Store(resources.home)
    inputs = {f"seed-{number}": ref for number, ref in enumerate(predictions)}
    job = Job(module=__name__, config=config, inputs=inputs, outputs={"metrics": ("metrics", name)})

    def build(work: Path) -> dict[str, TableDraft]:
        rows = metrics_table(config, [store.open_table(ref) for ref in predictions])
        return {"metrics": write_table(rows, "metrics", work, read=rows.num_rows)}

    return store.produce(job, build)["metrics"]


def metrics_table(config: SummaryConfig, runs: Sequence[pa.Table]) -> pa.Table:
    """Return the rows of every place."""

    def rows(place: Place) -> pa.Table:
        columns = place.model_dump()
        if len(runs) == 1:
            return summarise(runs[0], **columns, seed=config.seed, ks=config.ks, resamples=config.resamples)
        return aggregate(runs, **columns, ks=config.ks, resamples=config.resamples)

    return pa.concat_tables([rows(place) for place in config.places])
