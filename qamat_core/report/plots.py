"""Plots as inline SVG: the same bytes for the same figures, text in the page's colour and font, light or dark."""

import re
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from io import StringIO
from typing import Any, Final

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.typing import RcKeyType

from qamat_core.funnel import FunnelStage
from qamat_core.report.figures import Figure

_COLOURS: Final = ("#2f7fd1", "#dd7a16", "#17926b", "#b5489b", "#7a6ff0", "#a08512", "#8a6f63", "#1c9fb3")
"""Readable on white and on near black."""
_KEPT, _LOST = _COLOURS[0], "#9aa4b1"
_MOST_TICKS: Final = 10
"""A line of more points is drawn without marks, an axis of more x with ticks of its own."""
_INK: Final = "#010203"
"""Stands for the page's text colour, which replaces it in the SVG."""
_STYLE: Final[dict[RcKeyType, Any]] = {
    "svg.fonttype": "none",
    "font.size": 11,
    "text.color": _INK,
    "axes.labelcolor": _INK,
    "axes.edgecolor": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
}


@dataclass(frozen=True)
class Series:
    """One line: its name, and a figure at each x."""

    label: str
    points: tuple[tuple[float, Figure], ...]


def by_measure(figure: Figure) -> str:
    """Return what was measured, and on what, as the name of a line."""
    memory = f", {figure.memory} memory" if figure.source == "measured" else ""
    metric = "Recall@K" if figure.metric == "recall" else figure.metric_name
    return f"{figure.dataset_name} {metric}{memory}"


def by_row(figure: Figure) -> str:
    """Return the row as the name of a line."""
    return figure.row


def curves(figures: Iterable[Figure], over: str, label: Callable[[Figure], str] = by_measure) -> list[Series]:
    """Group figures into lines over their column ``over`` ("k" or "x"), a line for all that are labelled alike."""
    lines: dict[str, list[tuple[float, Figure]]] = {}
    for figure in figures:
        if (at := getattr(figure, over)) is not None:
            lines.setdefault(label(figure), []).append((at, figure))
    return [Series(label, tuple(sorted(points, key=lambda point: point[0]))) for label, points in lines.items()]


def line_plot(
    series: Sequence[Series], x_label: str, name: str, y_label: str | None = "per cent", *, whole: bool = True
) -> str:
    """Draw figures against x, with intervals as bars, of long lines as bands; ``name`` tells the plots of a page apart.

    The axis reaches from 0 to 100 where it is ``whole``, else as far as the figures.
    """
    with _styled(name):
        return _svg(_draw_lines(series, x_label, y_label, whole))


def funnel_plot(stages: Sequence[FunnelStage], name: str) -> str:
    """Draw for every stage what it kept and what it rejected of the records it read."""
    with _styled(name):
        return _svg(_draw_bars(stages))


def _draw_lines(series: Sequence[Series], x_label: str, y_label: str | None, whole: bool) -> Canvas:
    canvas, axes = _canvas(5.6, 3.9)
    for number, line in enumerate(series):
        xs, values = [x for x, _ in line.points], [figure.value for _, figure in line.points]
        colour = _COLOURS[number % len(_COLOURS)]
        marker = "os^Dvx"[number % 6] if len(xs) <= _MOST_TICKS else None
        axes.plot(xs, values, color=colour, marker=marker, markersize=5, label=line.label)
        bars = [(x, figure) for x, figure in line.points if figure.low is not None and figure.high is not None]
        at, low, high = (
            [x for x, _ in bars],
            [one.low or 0.0 for _, one in bars],
            [one.high or 0.0 for _, one in bars],
        )
        if len(xs) <= _MOST_TICKS:
            axes.vlines(at, low, high, color=colour, linewidth=2.5, alpha=0.55)
        elif bars:
            axes.fill_between(at, low, high, color=colour, linewidth=0, alpha=0.1)
    if len(ticks := sorted({x for line in series for x, _ in line.points})) <= _MOST_TICKS:
        axes.set_xticks(ticks)
    axes.set(xlabel=x_label, ylabel=y_label or "", **({"ylim": (0, 101)} if whole else {}))
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.18), fontsize=10, ncols=1 + (len(series) > 3))
    return canvas


def _draw_bars(stages: Sequence[FunnelStage]) -> Canvas:
    canvas, axes = _canvas(7.2, 0.8 + 0.42 * len(stages))
    labels = [stage.title.capitalize() for stage in stages][::-1]
    kept = [stage.kept for stage in stages][::-1]
    rejected = [stage.rejected for stage in stages][::-1]
    axes.barh(labels, kept, color=_KEPT, height=0.6, label="kept")
    axes.barh(labels, rejected, left=kept, color=_LOST, height=0.6, label="rejected")
    axes.set(xlabel="records")
    axes.grid(visible=False, axis="y")
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.legend(loc="lower right", fontsize=10)
    return canvas


def _styled(name: str) -> AbstractContextManager[None]:
    return mpl.rc_context({**_STYLE, "svg.hashsalt": name})


def _canvas(width: float, height: float) -> tuple[Canvas, Axes]:
    canvas = Canvas(figsize=(width, height))
    axes = canvas.add_subplot()
    axes.grid(visible=True, color=_LOST, alpha=0.3, linewidth=0.6)
    axes.set_axisbelow(True)
    return canvas, axes


def _svg(canvas: Canvas) -> str:
    """Write the SVG without date and document header; ids that are not referred to would repeat in the page."""
    text = StringIO()
    canvas.savefig(text, format="svg", transparent=True, bbox_inches="tight", metadata={"Date": None})
    svg = text.getvalue()
    svg = re.sub(r"<metadata>.*?</metadata>|<style type=\"text/css\">.*?</style>", "", svg, flags=re.DOTALL)
    used = set(re.findall(r"#([\w.-]+)[\")]", svg))
    svg = re.sub(r' id="([^"]+)"', lambda match: match[0] if match[1] in used else "", svg)
    svg = re.sub(r"font: ([^;\"]*?px)[^;\"]*", r"font-size: \1", svg)
    return svg[svg.index("<svg") :].replace(_INK, "currentColor")
