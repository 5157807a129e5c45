"""The predictions of the tables' rows -> what the paper's claims are judged by: differences, intervals, p.

In ``metrics`` a claim stands in table ``claims`` under its id, at the place of its first row: metric ``difference`` in
points with its interval, metric ``p`` of its test. The verdict follows from them (``qamat_core.claims.judge``).
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa

from qamat_core.claims import Claim, comparisons
from qamat_core.evaluation.paired import Paired, compare
from qamat_core.evaluation.summary import percentages
from qamat_core.store.store import Job, Store, TableDraft, write_table
from schemas.artifacts import ArtifactRef, Name
from schemas.errors import InputError
from schemas.evaluation import JudgeConfig, Place
from schemas.resources import Resources
from schemas.tables import METRICS


def run(config: JudgeConfig, runs: Sequence[Sequence[ArtifactRef]], *, name: Name, resources: Resources) -> ArtifactRef:
    """Return the metrics of every claim whose two rows are there.

    Args:
        config: the places of the rows.
        runs: for every place one ``predictions`` table a seed.
        name: of the metrics.
        resources: how the job runs.

    Raises:
        InputError: two rows that are compared did not answer the same questions.
    """
    store = Store(resources.home)
    by_place = dict(zip(config.places, runs, strict=True))
    inputs = {f"{number:03d}-seed-{seed}": ref for number, own in enumerate(runs) for seed, ref in enumerate(own)}
    job = Job(module=__name__, config=config, inputs=inputs, outputs={"metrics": ("metrics", name)})

    def build(work: Path) -> dict[str, TableDraft]:
        tables = {place: [store.open_table(ref) for ref in own] for place, own in by_place.items()}
        rows = [
            row
            for claim, first, second in comparisons(config.places)
            for row in _rows(claim, first, _compared(config, claim, (first, second), (tables[first], tables[second])))
        ]
        return {"metrics": write_table(pa.Table.from_pylist(rows, METRICS), "metrics", work, read=len(rows))}

    return store.produce(job, build)["metrics"]


def _compared(
    config: JudgeConfig, claim: Claim, places: tuple[Place, Place], runs: tuple[list[pa.Table], list[pa.Table]]
) -> Paired:
    assert claim.metric != "questions_per_second", "speed has no predictions"
    first, second = places
    try:
        return compare(
            *runs,
            metric=claim.metric,
            ks=(first.k, second.k),
            resamples=config.resamples,
            permutations=config.permutations,
        )
    except InputError as error:
        raise InputError(f"claim {claim.id}, {claim.first} against {claim.second}: {error}") from error


def _rows(claim: Claim, first: Place, paired: Paired) -> Iterator[dict[str, object]]:
    place: dict[str, object] = first.model_dump()
    place |= {"table": "claims", "row": claim.id, "source": "measured", "n": paired.questions, "seed": None}
    yield place | percentages("difference", first.k, paired.difference)
    yield place | {"metric": "p", "value": paired.p, "low": None, "high": None}
