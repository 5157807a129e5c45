"""Figures of finished runs: predictions of one seed or of several -> metrics."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from qamat_core.evaluation.overlap_splits import Overlap
from qamat_core.evaluation.summary import aggregate, summarise
from qamat_core.store.store import Job, Store, TableDraft, write_table
from schemas.artifacts import ArtifactRef, Name
from schemas.evaluation import Place, SummaryConfig
from schemas.resources import Resources

SPLIT_ENDINGS: Final[Mapping[Overlap, str]] = {
    "question": "question-overlap",
    "answer": "answer-overlap",
    "none": "no-overlap",
}
"""Kind of overlap -> what the split of its figures ends in."""


def run(
    config: SummaryConfig,
    predictions: Sequence[ArtifactRef],
    *,
    overlaps: ArtifactRef | None = None,
    name: Name,
    resources: Resources,
) -> ArtifactRef:
    """Return the metrics of the runs (one ``predictions`` table a seed), at every place of the configuration.

    One run gives its own figures with intervals over questions; several give means over seeds with intervals over
    questions and seeds, and a null ``seed``. With the ``overlaps`` of the questions there are rows for each kind
    of them too, whose split ends in ``-question-overlap``, ``-answer-overlap`` or ``-no-overlap``.
    """
    store = Store(resources.home)
    inputs = {f"seed-{number}": ref for number, ref in enumerate(predictions)}
    if overlaps is not None:
        inputs["overlaps"] = overlaps
    job = Job(module=__name__, config=config, inputs=inputs, outputs={"metrics": ("metrics", name)})

    def build(work: Path) -> dict[str, TableDraft]:
        runs = [store.open_table(ref) for ref in predictions]
        tables = [metrics_table(config, runs)]
        if overlaps is not None:
            tables += _by_overlap(config, runs, store.open_table(overlaps))
        rows = pa.concat_tables(tables)
        return {"metrics": write_table(rows, "metrics", work, read=rows.num_rows)}

    return store.produce(job, build)["metrics"]


def _by_overlap(config: SummaryConfig, runs: Sequence[pa.Table], overlaps: pa.Table) -> Iterator[pa.Table]:
    """Give the rows of every kind of overlap that some question has."""
    for kind, ending in SPLIT_ENDINGS.items():
        of_kind = overlaps.filter(pc.field("overlap") == kind).column("example_id").combine_chunks()
        some = [run.filter(pc.field("example_id").isin(of_kind)) for run in runs]
        if all(run.num_rows for run in some):
            places = [place.model_copy(update={"split": f"{place.split}-{ending}"}) for place in config.places]
            yield metrics_table(config.model_copy(update={"places": tuple(places)}), some)


def metrics_table(config: SummaryConfig, runs: Sequence[pa.Table]) -> pa.Table:
    """Return the rows of every place."""

    def rows(place: Place) -> pa.Table:
        how: dict[str, Any] = {"ks": config.ks, "recall": config.recall, "resamples": config.resamples}
        if len(runs) == 1:
            return summarise(runs[0], **place.model_dump(), seed=config.seed, **how)
        return aggregate(runs, **place.model_dump(), **how)

    return pa.concat_tables([rows(place) for place in config.places])
