"""Figures: rows of ``metrics`` as values, one for each place in the tables."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from types import MappingProxyType
from typing import Any, Final

import pyarrow as pa

from schemas.errors import InputError
from schemas.tables import METRICS

DATASET_NAMES: Final = MappingProxyType(
    {
        "nq": "NQ",
        "nq-open": "NQ",
        "triviaqa": "TriviaQA",
        "trivia": "TriviaQA",
        "webquestions": "WebQuestions",
        "webq": "WebQuestions",
        "hotpotqa": "HotpotQA",
        "musique": "MuSiQue",
        "musique-2hop": "MuSiQue",
        "curatedtrec": "CuratedTREC",
        "world": "World",
        "world-two-hop": "World, two hops",
        "world-b-two-hop": "Second world, two hops",
        "wikipedia": "Wikipedia",
    }
)
METRIC_NAMES: Final = MappingProxyType(
    {
        "em": "EM",
        "em_orqa": "EM by ORQA's script",
        "f1": "F1",
        "recall": "Recall",
        "passage_recall": "Passage holds answer",
        "entries": "Entries",
        "passages": "Passages",
        "coverage": "Coverage",
        "precision": "Precision",
        "unfiltered_coverage": "Coverage, unfiltered",
        "unfiltered_precision": "Precision, unfiltered",
        "filter_precision": "Filter precision",
        "filter_recall": "Filter recall",
        "open_domain_filter_precision": "Open-domain filter precision",
        "open_domain_filter_recall": "Open-domain filter recall",
        "auroc": "AUROC",
        "aurc": "AURC",
        "ece": "ECE",
        "coverage_at_risk": "Coverage at risk",
        "em_at_coverage": "EM at coverage",
        "risk": "Risk",
        "answer_changed": "Answers that change",
        "right_lost": "Right answers lost",
        "questions_per_second": "Questions a second",
        "difference": "Difference, points",
        "p": "p",
        "training_recall": "Recall@1 in the batch",
        "training_loss": "Loss of the answer",
    }
)
COUNTS: Final = frozenset({"entries", "passages"})
"""Metrics that count things; all others but ``training_loss``, ``p`` and speed are percentages."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One row of ``metrics``; the columns are those of the table."""

    table: str
    row: str
    dataset: str
    split: str
    metric: str
    k: int | None
    x: float | None
    memory: str
    model_size: str
    source: str
    value: float
    low: float | None
    high: float | None
    n: int | None
    seed: int | None

    @property
    def place(self) -> tuple[object, ...]:
        """All that says what was measured: every column up to the value."""
        return tuple(getattr(self, name) for name in _PLACE)

    @property
    def synthetic(self) -> bool:
        """Whether it was measured on the synthetic corpus."""
        return self.dataset.startswith("world")

    @property
    def dataset_name(self) -> str:
        """The data set's name as people write it."""
        return DATASET_NAMES.get(self.dataset, self.dataset)

    @property
    def metric_name(self) -> str:
        """The metric's name as people write it, with K where it has one."""
        name = METRIC_NAMES.get(self.metric, self.metric)
        return f"{name}@{self.k}" if self.metric in ("recall", "passage_recall") and self.k else name

    @property
    def text(self) -> str:
        """The value as it is shown."""
        if self.metric == "p":
            return f"{self.value:.4f}"
        return f"{self.value:,.0f}" if self.metric in COUNTS else f"{self.value:.1f}"

    @property
    def interval(self) -> str:
        """The interval as it is shown, empty if there is none."""
        return "" if self.low is None or self.high is None else f"{self.low:.1f}–{self.high:.1f}"  # noqa: RUF001

    @property
    def shown(self) -> str:
        """The value with its interval, if it has one."""
        return f"{self.text} ({self.interval})" if self.interval else self.text


_PLACE = tuple(field.name for field in fields(Figure))[: [field.name for field in fields(Figure)].index("value")]


def from_table(metrics: pa.Table) -> list[Figure]:
    """Return the rows of a ``metrics`` table, in order."""
    return [Figure(**row) for row in metrics.to_pylist()]


def collect(tables: Iterable[pa.Table]) -> list[Figure]:
    """Return one figure a place: that over all seeds if there is one, the only seed's, else the mean of the seeds.

    A mean made here has no interval. Figures are sorted by place.

    Raises:
        InputError: two values are given for one place and seed.
    """
    by_place: dict[tuple[object, ...], dict[int | None, Figure]] = {}
    for figure in (figure for table in tables for figure in from_table(table)):
        seeds = by_place.setdefault(figure.place, {})
        if seeds.setdefault(figure.seed, figure) != figure:
            raise InputError(
                f"metrics: {figure.table} {figure.row}, {figure.dataset} {figure.metric} has two values for seed "
                f"{figure.seed} ({seeds[figure.seed].text} and {figure.text}); give the report one version of each"
            )
    chosen = [_one(seeds) for seeds in by_place.values()]
    return sorted(chosen, key=lambda figure: [(value is not None, value) for value in figure.place])


def to_table(figures: Sequence[Figure]) -> pa.Table:
    """Return figures as a ``metrics`` table."""
    rows: list[dict[str, Any]] = [{name: getattr(figure, name) for name in METRICS.names} for figure in figures]
    return pa.Table.from_pylist(rows, schema=METRICS)


def _one(seeds: dict[int | None, Figure]) -> Figure:
    if None in seeds:
        return seeds[None]
    figures = list(seeds.values())
    if len(figures) == 1:
        return figures[0]
    mean = sum(figure.value for figure in figures) / len(figures)
    return replace(figures[0], value=mean, low=None, high=None, seed=None)
