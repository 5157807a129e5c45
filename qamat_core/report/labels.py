"""How figures are named in tables: by which row, and in which column."""

from typing import Final

from qamat_core.report.figures import DATASET_NAMES, Figure
from schemas.passages import ALL_PASSAGE_ROWS

RowLabel = tuple[str, str]
"""A row's name, and what else tells it apart."""
Column = tuple[float, str]
"""What columns are sorted by, and the column's name."""
PASSAGE_ROWS: Final[tuple[str, ...]] = (*ALL_PASSAGE_ROWS, "MDR+T5-Decoder")
"""Rows of systems that read passages in the place of entries."""
OVERLAPS: Final = ("", "question-overlap", "answer-overlap", "no-overlap")
"""What a split ends in that holds a kind of overlap with the training questions alone, in order."""
ABSTENTION_METRICS: Final = ("auroc", "aurc", "ece", "coverage_at_risk", "em_at_coverage")


def model_row(figure: Figure) -> RowLabel:
    """Return the model, its memory, size and K."""
    memory = f"{figure.memory} memory" if figure.memory != "none" else "no memory"
    parts = [memory if figure.source == "measured" else "", figure.model_size]
    if figure.source == "measured":
        read = f"{figure.k} passages" if figure.row in PASSAGE_ROWS else f"K {figure.k}"
        parts += [read if figure.k else "", figure.split if figure.split != "test" else ""]
        parts += [f"x {figure.x:g}" if figure.x is not None else ""]
    return figure.row, ", ".join(filter(None, parts))


def by_k_row(figure: Figure) -> RowLabel:
    """Return data set and metric, then the model without its K."""
    metric = "Recall@K" if figure.metric == "recall" else "EM@K"
    row, detail = model_row(figure)
    parts = [part for part in detail.split(", ") if part and not part.startswith("K ")]
    return f"{figure.dataset_name} {metric}", ", ".join([row, *parts])


def sweep_row(figure: Figure) -> RowLabel:
    """Return ``by_k_row`` without what is swept."""
    row, detail = by_k_row(figure)
    return row.replace("@K", ""), detail.replace(f", x {figure.x:g}", "")


def memory_row(figure: Figure) -> RowLabel:
    """Return ``model_row`` without the K."""
    row, detail = model_row(figure)
    return row, ", ".join(part for part in detail.split(", ") if not part.startswith("K "))


def by_examples(figure: Figure) -> RowLabel:
    """Return the model with its share of the pre-training examples."""
    own = [part for part in model_row(figure)[1].split(", ") if part and not part.startswith("x ")]
    learned = "the data set's own questions" if figure.x is None else f"{figure.x:g} % of the examples"
    return figure.row, ", ".join([learned, *own])


def dataset(figure: Figure) -> Column:
    """Return a column a data set."""
    return 0, figure.dataset_name


def dataset_and_metric(figure: Figure) -> Column:
    """Keep the metrics of a data set together."""
    names = [*DATASET_NAMES.values(), figure.dataset_name]
    return names.index(figure.dataset_name), f"{figure.dataset_name} {figure.metric_name}"


def k(figure: Figure) -> Column:
    """Return a column a K."""
    return figure.k or 0, f"K = {figure.k}"


def x(figure: Figure) -> Column:
    """Return a column a share."""
    return figure.x or 0, f"{figure.x:g} %"


def statistic(figure: Figure) -> RowLabel:
    """Return a row a metric."""
    return figure.metric_name, ""


def corpus(figure: Figure) -> Column:
    """Return a column a corpus."""
    where = [figure.dataset_name, figure.model_size] if figure.source == "measured" else []
    return 0, ", ".join([figure.row, *where])


def variant(figure: Figure) -> RowLabel:
    """Return a row a variant."""
    return figure.row, ""


def metric(figure: Figure) -> Column:
    """Return a column a metric, and a K of recall."""
    return figure.k or 0 if figure.metric == "recall" else 0, figure.metric_name


def metric_at(figure: Figure) -> Column:
    """Return a column a metric, and where it is measured."""
    at = f" {figure.x:g} %" if figure.x is not None else ""
    return ABSTENTION_METRICS.index(figure.metric), figure.metric_name + at


def overlap_of(figure: Figure) -> str:
    """Return which kind of overlap a figure is of, one of ``OVERLAPS``."""
    ending = figure.split.partition("-")[2]
    return ending if ending in OVERLAPS else ""


def human_row(figure: Figure) -> RowLabel:
    """Return the model, and which questions by their overlap."""
    return figure.row, overlap_of(figure).replace("-", " ") or "all questions"


def human_column(figure: Figure) -> Column:
    """Return a column a data set, split and metric."""
    split = figure.split.partition("-")[0]
    return figure.k or 0 if figure.metric == "recall" else 0, f"{figure.dataset_name} {split} {figure.metric_name}"
