"""The report as files: a self-contained page, Markdown, metrics as Parquet and CSV. The same report, the same bytes."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from qamat_core.claims import ALPHA, LEAST
from qamat_core.evaluation.abstention import CONFIDENCES
from qamat_core.funnel import FunnelStage
from qamat_core.paper_figures import quoted
from qamat_core.report.attributed import Attributed
from qamat_core.report.figures import METRIC_NAMES, Figure, collect, from_table, to_table
from qamat_core.report.grids import compare
from qamat_core.report.layouts import LAYOUTS
from qamat_core.report.plots import by_row, curves, funnel_plot, line_plot
from qamat_core.report.provenance import Origin
from qamat_core.report.verdicts import count, findings
from qamat_core.report.worked import WorkedQuestion
from schemas.evaluation import ReportConfig

TEMPLATES: Final = Path(__file__).parent / "templates"

_HEADLINES: Final = (
    ("QAMAT, generated memory", ("table2", "QAMAT Fine-tuned", "em", "generated")),
    ("QAMAT, gold memory", ("table2", "QAMAT Fine-tuned", "em", "gold")),
    ("BM25, generated memory", ("table2", "BM25 questions", "em", "generated")),
    ("Closed-book T5", ("table2", "Closed-book T5", "em", "none")),
    ("Memory's coverage", ("table1", "Generated", "coverage", "generated")),
)


@dataclass(frozen=True)
class Report:
    """All that a report shows besides the paper's own figures."""

    config: ReportConfig
    measured: Sequence[Figure]
    stages: Sequence[FunnelStage]
    worked: Sequence[WorkedQuestion]
    origins: Sequence[Origin]
    attributed: Sequence[Attributed] = ()

    @classmethod
    def of(
        cls,
        config: ReportConfig,
        metrics: Sequence[pa.Table],
        stages: Sequence[FunnelStage],
        worked: Sequence[WorkedQuestion],
        origins: Sequence[Origin],
        attributed: Sequence[Attributed] = (),
    ) -> "Report":
        """Make a report of ``metrics`` tables: of several seeds' figures, one a place."""
        return cls(config, collect(metrics), stages, worked, origins, attributed)


@dataclass(frozen=True)
class Plot:
    """An inline SVG with what it shows in words."""

    title: str
    svg: Markup


def write(report: Report, directory: Path) -> None:
    """Write the report's four files into a directory, which is made if need be."""
    directory.mkdir(parents=True, exist_ok=True)
    paper = from_table(quoted())
    view = _view(report, [*report.measured, *paper])
    (directory / "report.html").write_text(_render("report.html.j2", view), encoding="utf-8")
    (directory / "report.md").write_text(_render("report.md.j2", view), encoding="utf-8")
    table = to_table([*report.measured, *paper])
    pq.write_table(table, directory / "metrics.parquet", write_page_checksum=True)
    pyarrow.csv.write_csv(table, directory / "metrics.csv")


def _view(report: Report, figures: Sequence[Figure]) -> dict[str, object]:
    tables = report.config.tables
    laid_out = [compare(layout, figures) for layout in LAYOUTS if not tables or layout.table in tables]
    found = [one for one in findings(figures) if not tables or one.claim.first.table in tables]
    comparisons = [one for one in laid_out if one.layout.expected or one.measured.rows]
    return {
        "config": report.config,
        "headlines": _headlines(report.measured),
        "comparisons": comparisons,
        "plots": {comparison.layout.table: _plots(comparison.layout.table, figures) for comparison in comparisons},
        "findings": found,
        "verdicts": count(found),
        "colours": {"holds": "yes", "does not hold": "no", "cannot be told at this scale": "maybe"},
        "alpha": ALPHA,
        "least": f"{LEAST:g}",
        "missing": [cell for comparison in comparisons for cell in comparison.missing],
        "stages": report.stages,
        "funnel": Markup(funnel_plot(report.stages, "funnel")) if report.stages else None,
        "worked": report.worked,
        "attributed": report.attributed,
        "origins": report.origins,
        "measured": report.measured,
        "synthetic": any(figure.synthetic for figure in report.measured),
    }


def plots_of(metrics: Path) -> dict[str, list[Plot]]:
    """Return the plots of the tables that a report has, from its metrics."""
    figures = from_table(pq.read_table(metrics))
    measured = {figure.table for figure in figures if figure.source == "measured"}
    return {layout.table: _plots(layout.table, figures) for layout in LAYOUTS if layout.table in measured}


def _headlines(measured: Sequence[Figure]) -> list[tuple[str, Figure]]:
    places = {(figure.table, figure.row, figure.metric, figure.memory): figure for figure in reversed(measured)}
    return [(title, places[key]) for title, key in _HEADLINES if key in places]


def _plots(table: str, figures: Sequence[Figure]) -> list[Plot]:
    """Plot what is swept: K in Table 4, the memory's size in Figure 7, coverage, the ablations' steps of training."""
    measured = [figure for figure in figures if figure.table == table and figure.source == "measured"]
    paper = [figure for figure in figures if figure.table == table and figure.source == "quoted"]
    if table == "table4":
        shown = [("Measured here", measured, "measured-k"), ("The paper", paper, "paper-k")]
        plotted = [(title, curves(_by_k(own), "k"), "K", name) for title, own, name in shown]
    elif table == "figure7":
        own = [figure for figure in measured if figure.metric == "em"]
        plotted = [("Measured here", curves(own, "x"), "share of the memory, per cent", "measured-x")]
    elif table == "ablations":
        return [_curves_of(measured, metric) for metric in ("training_recall", "training_loss")]
    elif table == "abstention":
        return _risk_coverage(measured)
    else:
        return []
    return [Plot(title, Markup(line_plot(series, label, name))) for title, series, label, name in plotted if series]


def _curves_of(figures: Sequence[Figure], metric: str) -> Plot:
    own = [figure for figure in figures if figure.metric == metric]
    title = f"{METRIC_NAMES[metric]}, stage one"
    label, whole = (None, False) if metric == "training_loss" else ("per cent", True)
    return Plot(title, Markup(line_plot(curves(own, "x", by_row), "step", metric, label, whole=whole)))


def _risk_coverage(figures: Sequence[Figure]) -> list[Plot]:
    own = sorted((one for one in figures if one.metric == "risk"), key=lambda one: CONFIDENCES.index(one.row))
    series = curves(own, "x", by_row)
    labels = ("questions answered, per cent", "risk", "answers given that are wrong, per cent")
    return [Plot("Risk by coverage", Markup(line_plot(series, *labels, whole=False)))] if series else []


def _by_k(figures: Sequence[Figure]) -> list[Figure]:
    return [figure for figure in figures if figure.metric in ("recall", "em")]


def _render(template: str, view: dict[str, object]) -> str:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=template.endswith(".html.j2"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["md"] = _markdown
    return environment.get_template(template).render(view)


def _markdown(value: object) -> str:
    """Return text that stays text in a Markdown table's cell."""
    text = " ".join(str(value).split()).replace("&", "&amp;").replace("<", "&lt;")
    for mark in "\\`*_[]|":
        text = text.replace(mark, f"\\{mark}")
    return text
