"""The paper's orderings, and whether they hold in the figures measured."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Literal

from qamat_core.report.figures import Figure

Verdict = Literal["holds, intervals apart", "holds, intervals overlap", "does not hold", "missing"]


@dataclass(frozen=True)
class Ordering:
    """The row ``better`` of a table is expected above the row ``worse``."""

    table: str
    metric: str
    better: str
    worse: str


@dataclass(frozen=True)
class Finding:
    """Whether an ordering holds in one place."""

    text: str
    place: str
    figures: str
    verdict: Verdict


ORDERINGS: Final = (
    Ordering("table2", "em", "QAMAT Fine-tuned", "QAMAT Zero-Shot"),
    Ordering("table2", "em", "QAMAT Fine-tuned", "BM25 questions"),
    Ordering("table2", "em", "QAMAT Fine-tuned", "Closed-book T5"),
    Ordering("table3", "f1", "QAMAT+", "QAMAT"),
    Ordering("table5", "em", "In-Batch->Global", "Only In-Batch"),
    Ordering("table5", "em", "In-Batch->Global", "Only Global"),
)
"""What the paper finds, and the baselines of ours that its model must beat."""


def check(figures: Sequence[Figure]) -> list[Finding]:
    """Check every ordering wherever its better row was measured, and that exact match grows with the memory."""
    measured = [figure for figure in figures if figure.source == "measured"]
    return [finding for ordering in ORDERINGS for finding in _check(ordering, measured)] + list(_growth(measured))


def _check(ordering: Ordering, measured: Sequence[Figure]) -> Iterator[Finding]:
    text = f"{ordering.better} above {ordering.worse}"
    own = [figure for figure in measured if (figure.table, figure.metric) == (ordering.table, ordering.metric)]
    better = [figure for figure in own if figure.row == ordering.better]
    if not better:
        yield Finding(text, "", "", "missing")
    for figure in better:
        place = f"{figure.dataset_name}, {figure.memory} memory"
        rivals = [rival for rival in own if rival.row == ordering.worse and _comparable(figure, rival)]
        if not rivals:
            yield Finding(text, place, "", "missing")
        for rival in rivals:
            yield Finding(text, place, f"{figure.text} against {rival.text}", _verdict(figure, rival))


def _comparable(figure: Figure, rival: Figure) -> bool:
    same_questions = (figure.dataset, figure.split) == (rival.dataset, rival.split)
    return same_questions and rival.memory in (figure.memory, "none")


def _verdict(better: Figure, worse: Figure) -> Verdict:
    if better.value <= worse.value:
        return "does not hold"
    apart = better.low is not None and worse.high is not None and better.low > worse.high
    return "holds, intervals apart" if apart else "holds, intervals overlap"


def _growth(measured: Sequence[Figure]) -> Iterator[Finding]:
    text = "Exact match grows with the memory"
    curves: dict[str, list[Figure]] = {}
    for figure in measured:
        if figure.table == "figure7" and figure.metric == "em" and figure.x is not None:
            curves.setdefault(f"{figure.row}, {figure.dataset_name}, {figure.memory} memory", []).append(figure)
    if not curves:
        yield Finding(text, "", "", "missing")
    for place, points in curves.items():
        points.sort(key=lambda figure: figure.x or 0)
        verdicts: list[Verdict] = [_verdict(more, less) for less, more in pairwise(points)]
        values = ", ".join(point.text for point in points)
        yield Finding(text, place, values, _weakest(verdicts))


def _weakest(verdicts: Sequence[Verdict]) -> Verdict:
    ranked: tuple[Verdict, ...] = ("does not hold", "holds, intervals overlap", "holds, intervals apart")
    return min(verdicts, key=ranked.index) if verdicts else "missing"
