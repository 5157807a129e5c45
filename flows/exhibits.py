"""What a run leaves to look at in the Prefect UI besides its progress: tables, plots, the report, where it comes from.

Plots are data URIs and links stay on the server, so that all of it shows without a network.
"""

import base64
from collections.abc import Mapping, Sequence
from typing import Final

from prefect.artifacts import create_image_artifact, create_markdown_artifact, create_table_artifact

from flows.published import publish
from qamat_core.funnel import funnel
from qamat_core.report.figures import Figure, from_table
from qamat_core.report.plots import Series, funnel_plot, line_plot
from qamat_core.report.render import plots_of
from qamat_core.store.lineage import lineage
from qamat_core.store.registry import RegistryRow
from qamat_core.store.store import Store
from qamat_core.training.checkpoint import load_history
from schemas.artifacts import ArtifactRef, Name, Pretrained

CURVES: Final = ("loss", "answer_loss", "retrieval_loss")
"""Columns of a training curve that are drawn."""
_DIGEST: Final = 12


def show_corpus(memory: ArtifactRef, name: Name, home: str) -> None:
    """Show what became of everything that was generated, and what the memory was made of."""
    store = Store(home)
    stages = funnel(store, memory)
    rows = [{"stage": one.title, "read": one.read, "kept": one.kept, **one.reasons} for one in stages]
    create_table_artifact(rows, key=f"funnel-{name}", description=f"What became of all that was generated for {memory}")
    show_plot(funnel_plot(stages, "funnel"), f"funnel-{name}-plot", f"Kept and rejected on the way to {memory}")
    show_lineage(store, [memory], name)


def show_trained(trained: Mapping[str, Pretrained], name: Name, home: str) -> None:
    """Show how the losses of each stage fell, its last figures, and what the checkpoints were made of."""
    store = Store(home)
    last: list[dict[str, object]] = []
    for stage, model in trained.items():
        history = load_history(store.open_directory(model.checkpoint))
        if not history.num_rows:
            continue
        last.append({"stage": stage, **{label: f"{value:.4g}" for label, value in history.to_pylist()[-1].items()}})
        steps = history.column("step").to_pylist()
        series = [
            Series(label, tuple(zip(steps, map(_figure, history.column(label).to_pylist()), strict=True)))
            for label in CURVES
            if label in history.column_names
        ]
        plot = line_plot(series, "step", f"{name}-{stage}", None, whole=False)
        show_plot(plot, f"{name}-{stage}-loss", f"Losses of {model.checkpoint} while it was trained")
    create_table_artifact(last, key=f"{name}-trained", description="Figures at the last step of each stage")
    show_lineage(store, [ref for model in trained.values() for ref in (model.checkpoint, model.index)], name)


def show_figures(metrics: Sequence[ArtifactRef], name: Name, home: str) -> None:
    """Show the figures of an evaluation, and what they come from."""
    store = Store(home)
    figures = [figure for ref in metrics for figure in from_table(store.open_table(ref))]
    rows = [
        {
            "data set": figure.dataset_name,
            "split": figure.split,
            "measure": figure.metric_name,
            "entries read (K)": "" if figure.k is None else str(figure.k),
            "value": figure.shown,
            "questions": figure.n,
        }
        for figure in figures
    ]
    create_table_artifact(rows, key=f"{name}-figures", description="Percentages, with 95 % bootstrap intervals")
    show_lineage(store, metrics, name)


def show_report(report: ArtifactRef, name: Name, home: str, tables: Sequence[str] = ()) -> None:
    """Show a report: as a page, its tables and plots apart, and what it comes from.

    Args:
        report: what is shown.
        name: of the study; begins the keys of the artifacts.
        home: where it lies.
        tables: those that the report is about; none for all.
    """
    store = Store(home)
    directory = store.open_directory(report)
    page = (directory / "report.md").read_text(encoding="utf-8")
    where = store.storage.address(store.row(report).ref.uri)
    create_markdown_artifact(page, key=f"{name}-report", description=f"The report {report}: {where}/report.html")
    publish(directory, name, tables)
    for table, plots in plots_of(directory / "metrics.parquet", tables).items():
        for number, plot in enumerate(plots):
            show_plot(str(plot.svg), f"{name}-{table}-plot-{number}", f"{table}: {plot.title}")
    show_lineage(store, [report], name)


def show_plot(svg: str, key: str, description: str) -> None:
    """Show a plot on white: the colour of its text is made for light pages."""
    white = svg.replace("<svg ", '<svg style="background:#fff;color:#1b2430;font-family:sans-serif" ', 1)
    coded = base64.b64encode(white.encode()).decode()
    create_image_artifact(f"data:image/svg+xml;base64,{coded}", key=key, description=description)


def show_lineage(store: Store, refs: Sequence[ArtifactRef], name: Name) -> None:
    """Show artifacts and all that they come from, nearest first, each with a link to the run that made it."""
    found: dict[str, RegistryRow] = {}
    for ref in refs:
        tree = lineage(store, ref)
        found |= {row.ref.key: row for row in (tree.row, *tree.ancestors()) if row.ref.key not in found}
    lines = [_origin(row) for row in found.values()]
    head = ["| artifact | content | rows | made by | code | run |", "|---|---|---|---|---|---|"]
    create_markdown_artifact(
        "\n".join([*head, *lines]),
        key=f"{name}-lineage",
        description="What was made or found, and all that it comes from: `qamat artifacts show KIND/NAME@VERSION`",
    )


def _origin(row: RegistryRow) -> str:
    run = f"[open](/runs/flow-run/{row.flow_run_id})" if row.flow_run_id else ""
    cells = (f"`{row.ref}`", f"`{row.ref.content[:_DIGEST]}`", row.rows or "", row.module, row.git_commit[:9], run)
    return f"| {' | '.join(map(str, cells))} |"


def _figure(value: float) -> Figure:
    """Return a point of a curve, which has no place in a table."""
    nowhere = dict.fromkeys(("table", "row", "dataset", "split", "metric", "memory", "model_size", "source"), "")
    return Figure(**nowhere, k=None, x=None, value=value, low=None, high=None, n=None, seed=None)
