"""What a run leaves to look at in the Prefect UI besides its progress: tables, and a page with plots and lineage.

Plots stand in pages as data URIs and links stay on the server, so that all of it shows without a network. (An image
artifact shows them too, but with the whole URI as text below.)
"""

import base64
from collections.abc import Mapping, Sequence
from typing import Final

import pyarrow as pa
from prefect.artifacts import create_markdown_artifact, create_table_artifact

from flows.published import publish
from qamat_core.funnel import funnel
from qamat_core.report.figures import Figure, from_table
from qamat_core.report.plots import Series, funnel_plot, line_plot
from qamat_core.report.render import plots_of
from qamat_core.store.lineage import lineage
from qamat_core.store.registry import RegistryRow
from qamat_core.store.store import Store
from qamat_core.training.checkpoint import load_history
from schemas.artifacts import ArtifactRef, Indexed, Name, Pretrained

CURVES: Final = ("loss", "answer_loss", "retrieval_loss")
"""Columns of a training curve that are drawn."""


def show_corpus(memory: ArtifactRef, name: Name, home: str) -> None:
    """Show what became of everything that was generated, and what the memory was made of."""
    store = Store(home)
    stages = funnel(store, memory)
    rows = [{"stage": one.title, "read": one.read, "kept": one.kept, **one.reasons} for one in stages]
    create_table_artifact(rows, key=f"funnel-{name}", description=f"What became of all that was generated for {memory}")
    parts = ["## Kept and rejected", _image(funnel_plot(stages, "funnel")), *_lineage(store, [memory])]
    _show_page(parts, f"{name}-corpus", f"The memory {memory}")


def show_trained(trained: Mapping[str, Pretrained], name: Name, home: str) -> None:
    """Show the last figures of each stage, how its losses fell, and what the checkpoints were made of."""
    store, last, parts = Store(home), list[dict[str, object]](), list[str]()
    for stage, model in trained.items():
        history = load_history(store.open_directory(model.checkpoint))
        if not history.num_rows:
            continue
        last.append({"stage": stage, **{label: f"{value:.4g}" for label, value in history.to_pylist()[-1].items()}})
        parts += [f"## Stage {stage}: `{model.checkpoint}`", _image(_losses(history, f"{name}-{stage}"))]
    create_table_artifact(last, key=f"{name}-trained", description="Figures at the last step of each stage")
    parts += _lineage(store, [ref for model in trained.values() for ref in (model.checkpoint, model.index)])
    _show_page(parts, f"{name}-training", "How the losses fell, and what the model was made of")


def show_index(made: Indexed, name: Name, home: str) -> None:
    """Show what a checkpoint searches now: how large it is and what it was made of."""
    store, refs = Store(home), [ref for ref in (made.index, made.searcher) if ref is not None]
    rows = [
        {
            "artifact": str(row.ref),
            "files": len(row.files),
            "MiB": f"{row.bytes / 2**20:.2f}",
            "seconds to make": f"{row.seconds:.1f}",
        }
        for row in map(store.row, refs)
    ]
    create_table_artifact(rows, key=f"{name}-index", description=f"The memory {name} as vectors")
    _show_page(_lineage(store, refs), f"{name}-index-lineage", "What the index was made of")


def show_figures(metrics: Sequence[ArtifactRef], name: Name, home: str) -> None:
    """Show the figures of an evaluation, and what they come from."""
    store = Store(home)
    rows = [
        {
            "data set": figure.dataset_name,
            "split": figure.split,
            "measure": figure.metric_name,
            "entries read": "" if figure.k is None else str(figure.k),
            "per cent": figure.shown,
            "questions": figure.n,
        }
        for ref in metrics
        for figure in from_table(store.open_table(ref))
    ]
    create_table_artifact(rows, key=f"{name}-figures", description="In brackets: 95 % bootstrap intervals")
    _show_page(_lineage(store, metrics), f"{name}-lineage", "What the figures come from")


def show_report(report: ArtifactRef, name: Name, home: str) -> None:
    """Show a report: as a page with its plots, and apart the tables in which it measured something."""
    store = Store(home)
    directory = store.open_directory(report)
    publish(directory, name)
    parts = [(directory / "report.md").read_text(encoding="utf-8")]
    for table, plots in plots_of(directory / "metrics.parquet").items():
        for plot in plots:
            parts += [f"## Plot of {table}: {plot.title.lower()}", _image(plot.svg)]
    where = store.storage.address(store.row(report).ref.uri)
    _show_page([*parts, *_lineage(store, [report])], f"{name}-report", f"{report}: `{where}/report.html`")


def _show_page(parts: Sequence[str], key: str, description: str) -> None:
    create_markdown_artifact("\n\n".join(parts), key=key, description=description)


def _losses(history: pa.Table, name: str) -> str:
    steps = history.column("step").to_pylist()
    series = [
        Series(label, tuple(zip(steps, map(_figure, history.column(label).to_pylist()), strict=True)))
        for label in CURVES
        if label in history.column_names
    ]
    return line_plot(series, "step", name, None, whole=False)


def _image(svg: str) -> str:
    """Return a plot as an image of Markdown, on white: in an image, text has the colour that is for light pages."""
    white = svg.replace("<svg ", '<svg style="background:#fff;color:#1b2430;font-family:sans-serif" ', 1)
    return f"![plot](data:image/svg+xml;base64,{base64.b64encode(white.encode()).decode()})"


def _lineage(store: Store, refs: Sequence[ArtifactRef]) -> list[str]:
    """Return artifacts and all that they come from as parts of a page, each with a link to the run that made it."""
    found: dict[str, RegistryRow] = {}
    for ref in refs:
        tree = lineage(store, ref)
        found |= {row.ref.key: row for row in (tree.row, *tree.ancestors()) if row.ref.key not in found}
    head = ["| artifact | rows | made by | code | run |", "|---|---|---|---|---|"]
    shown = f"More of one, its config and its inputs: `qamat artifacts show {refs[0]}`" if refs else ""
    return ["## Lineage", "\n".join([*head, *map(_origin, found.values())]), shown]


def _origin(row: RegistryRow) -> str:
    run = f"[open](/runs/flow-run/{row.flow_run_id})" if row.flow_run_id else ""
    made_by = row.module.removeprefix("tasks.").replace("_", " ")
    return f"| `{row.ref}` | {row.rows or ''} | {made_by} | {row.git_commit[:7]} | {run} |"


def _figure(value: float) -> Figure:
    """Return a point of a curve, which has no place in a table."""
    nowhere = dict.fromkeys(("table", "row", "dataset", "split", "metric", "memory", "model_size", "source"), "")
    return Figure(**nowhere, k=None, x=None, value=value, low=None, high=None, n=None, seed=None)
