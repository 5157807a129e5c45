"""Rows of metrics from tables of predictions, of one seed or of several, with bootstrap intervals."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pyarrow as pa

from qamat_core.evaluation.bootstrap import (
    RESAMPLES,
    Interval,
    Values,
    crossed_interval,
    mean_interval,
    nested_interval,
)
from qamat_core.evaluation.metrics import exact_match, recall_at
from schemas.datasets import data_set
from schemas.errors import InputError
from schemas.evaluation import RecallName
from schemas.tables import METRICS


def summarise(
    predictions: pa.Table,
    *,
    table: str,
    row: str,
    dataset: str,
    split: str,
    memory: str,
    model_size: str,
    k: int | None,
    x: float | None = None,
    seed: int,
    ks: Sequence[int] = (1,),
    recall: RecallName = "recall",
    resamples: int = RESAMPLES,
) -> pa.Table:
    """Return the em, f1 and recall rows of one run, as percentages with intervals over questions.

    TriviaQA has a row em_orqa too: em is by its own script, whose normal form differs from ORQA's.

    Args:
        predictions: the run's ``predictions`` table.
        table: where the rows stand ("table2", "figure7", ...).
        row: the model's row name.
        dataset: the data set of the questions.
        split: its split.
        memory: one of ``MemoryName``.
        model_size: of the model.
        k: the K that was read (column ``k`` of em and f1); None for a model without memory.
        x: the swept quantity, if one is swept.
        seed: the run's seed.
        ks: the K of each recall row; one beyond what was retrieved for any question is left out.
        recall: what these rows are called.
        resamples: bootstrap resamples.

    Raises:
        InputError: there are no predictions.
    """
    place = {"table": table, "row": row, "dataset": dataset, "split": split, "memory": memory}
    place |= {"model_size": model_size, "x": x, "source": "measured", "n": _count([predictions]), "seed": seed}
    found = _values(predictions, dataset, k, ks, recall)
    measured = [(metric, at, mean_interval(values, resamples=resamples)) for metric, at, values in found]
    return _rows(place, measured)


def aggregate(
    runs: Sequence[pa.Table],
    *,
    table: str,
    row: str,
    dataset: str,
    split: str,
    memory: str,
    model_size: str,
    k: int | None,
    x: float | None = None,
    ks: Sequence[int] = (1,),
    recall: RecallName = "recall",
    resamples: int = RESAMPLES,
) -> pa.Table:
    """Return the rows of ``summarise`` over the seeds' runs: means over seeds, intervals over questions and seeds.

    Where the seeds answered the same questions, questions and seeds are resampled crosswise; else each seed's own
    questions are resampled within it. ``seed`` is null; ``n`` counts the questions of one seed, or, where they
    differ, of all.

    Args:
        runs: one ``predictions`` table a seed.
        table: as in ``summarise``, like what is not named here.

    Raises:
        InputError: there are no predictions.
    """
    runs = [run.sort_by("example_id") for run in runs]
    same = all(run.column("example_id").equals(runs[0].column("example_id")) for run in runs)
    place = {"table": table, "row": row, "dataset": dataset, "split": split, "memory": memory}
    place |= {"model_size": model_size, "x": x, "source": "measured", "n": _count(runs[:1] if same else runs)}
    by_metric: dict[tuple[str, int | None], list[Values]] = {}
    for run in runs:
        for metric, at, values in _values(run, dataset, k, ks, recall):
            by_metric.setdefault((metric, at), []).append(values)
    measured = [
        (metric, at, _over_seeds(values, same, resamples))
        for (metric, at), values in by_metric.items()
        if len(values) == len(runs)
    ]
    return _rows(place | {"seed": None}, measured)


def _over_seeds(runs: Sequence[Values], same: bool, resamples: int) -> Interval:
    return crossed_interval(np.stack(runs), resamples=resamples) if same else nested_interval(runs, resamples=resamples)


def _count(runs: Sequence[pa.Table]) -> int:
    if not runs or not all(run.num_rows for run in runs):
        raise InputError("a table of predictions is empty: nothing to measure; check the questions' split")
    return sum(run.num_rows for run in runs)


def _values(
    predictions: pa.Table, dataset: str, k: int | None, ks: Sequence[int], recall: RecallName
) -> Iterator[tuple[str, int | None, Values]]:
    """Give (metric, K, one value of 0 to 1 a question)."""
    yield "em", k, predictions.column("exact_match").to_numpy().astype(np.float64)
    yield "f1", k, predictions.column("f1").to_numpy().astype(np.float64)
    if data_set(dataset).script == "triviaqa":
        yield "em_orqa", k, _by_orqa(predictions)
    retrieved = max(map(len, predictions.column("retrieved_ids").to_pylist()))
    hits = predictions.column("first_hit").to_pylist()
    for at in ks:
        if at <= retrieved:
            yield recall, at, recall_at(hits, at)


def _by_orqa(predictions: pa.Table) -> Values:
    """Score anew by the script that most papers use for every open-domain data set."""
    columns = (predictions.column(name).to_pylist() for name in ("prediction", "answers"))
    return np.array([exact_match(*pair) for pair in zip(*columns, strict=True)], dtype=np.float64)


def _rows(place: Mapping[str, object], measured: Sequence[tuple[str, int | None, Interval]]) -> pa.Table:
    return pa.Table.from_pylist([{**place, **percentages(*one)} for one in measured], schema=METRICS)


def percentages(metric: str, k: int | None, interval: Interval) -> dict[str, object]:
    """Return the columns ``metric``, ``k``, ``value``, ``low``, ``high`` of a share, in percent."""
    value, low, high = (100 * share for share in interval)
    return {"metric": metric, "k": k, "value": value, "low": low, "high": high}
