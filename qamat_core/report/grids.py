"""The paper's tables as grids: which figures stand in which row and column, and which are missing."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from qamat_core.evaluation.abstention import CONFIDENCES
from qamat_core.evaluation.attribution import NAMES
from qamat_core.paper_figures import MEMORY_SIZE_CLAIM
from qamat_core.report.figures import DATASET_NAMES, Figure
from schemas.passages import ALL_PASSAGE_ROWS

PASSAGE_ROWS: Final[tuple[str, ...]] = (*ALL_PASSAGE_ROWS, "MDR+T5-Decoder")
"""Rows of systems that read passages in the place of entries."""
RowLabel = tuple[str, str]
"""A row's name, and what else tells it apart."""
Column = tuple[float, str]
"""What columns are sorted by, and the column's name."""
_NO_COLUMN: Final = "Figure"
"""The column of a table without any figure."""


@dataclass(frozen=True)
class Layout:
    """How one of the paper's tables is laid out."""

    table: str
    name: str
    title: str
    metrics: tuple[str, ...]
    expected: tuple[str, ...]
    """Rows that a whole reproduction measures."""
    row_of: Callable[[Figure], RowLabel]
    column_of: Callable[[Figure], Column]
    note: str = ""
    swept: tuple[float, ...] = ()
    """Percentages at which a whole reproduction measures the first of the rows expected."""
    sparse: bool = False
    """Cells and rows without a figure are not missing where there are others: nothing was there to measure."""
    of_some: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    """Row -> what the names of its columns begin with, where it has not all: its other cells are not missing."""


@dataclass(frozen=True)
class Grid:
    """Figures by row and column; None where there is no figure."""

    columns: tuple[str, ...]
    rows: tuple[tuple[RowLabel, tuple[Figure | None, ...]], ...]
    of_some: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    """The layout's."""

    def blank(self, row: str, column: str, missing: str = "missing") -> str:
        """Return what stands in a cell without a figure: a dash where there is nothing to measure."""
        return missing if column.startswith((*self.of_some.get(row, ("",)), _NO_COLUMN)) else "–"  # noqa: RUF001

    @property
    def questions(self) -> str:
        """How many questions the figures stand on, as text."""
        counts = sorted({figure.n for _, cells in self.rows for figure in cells if figure and figure.n})
        if not counts:
            return ""
        return f"{counts[0]:,}" if len(counts) == 1 else f"{counts[0]:,} to {counts[-1]:,}"

    def records(self) -> list[dict[str, str]]:
        """Return the rows as text by column; what has no figure is called missing."""
        return [
            {"row": f"{name} ({detail})" if detail else name}
            | {
                column: figure.shown if figure else self.blank(name, column)
                for column, figure in zip(self.columns, cells, strict=True)
            }
            for (name, detail), cells in self.rows
        ]


@dataclass(frozen=True)
class Comparison:
    """One of the paper's tables: what was measured here beside what the paper prints."""

    layout: Layout
    measured: Grid
    quoted: Grid
    missing: tuple[str, ...]
    synthetic: bool


def _model_row(figure: Figure) -> RowLabel:
    memory = f"{figure.memory} memory" if figure.memory != "none" else "no memory"
    parts = [memory if figure.source == "measured" else "", figure.model_size]
    if figure.source == "measured":
        read = f"{figure.k} passages" if figure.row in PASSAGE_ROWS else f"K {figure.k}"
        parts += [read if figure.k else "", figure.split if figure.split != "test" else ""]
        parts += [f"x {figure.x:g}" if figure.x is not None else ""]
    return figure.row, ", ".join(filter(None, parts))


def _by_k_row(figure: Figure) -> RowLabel:
    metric = "Recall@K" if figure.metric == "recall" else "EM@K"
    row, detail = _model_row(figure)
    parts = [part for part in detail.split(", ") if part and not part.startswith("K ")]
    return f"{figure.dataset_name} {metric}", ", ".join([row, *parts])


def _sweep_row(figure: Figure) -> RowLabel:
    row, detail = _by_k_row(figure)
    return row.replace("@K", ""), detail.replace(f", x {figure.x:g}", "")


def _by_examples(figure: Figure) -> RowLabel:
    own = [part for part in _model_row(figure)[1].split(", ") if part and not part.startswith("x ")]
    learned = "the data set's own questions" if figure.x is None else f"{figure.x:g} % of the examples"
    return figure.row, ", ".join([learned, *own])


def _dataset(figure: Figure) -> Column:
    return 0, figure.dataset_name


def _dataset_and_metric(figure: Figure) -> Column:
    """Keep the metrics of a data set together."""
    names = [*DATASET_NAMES.values(), figure.dataset_name]
    return names.index(figure.dataset_name), f"{figure.dataset_name} {figure.metric_name}"


def _k(figure: Figure) -> Column:
    return figure.k or 0, f"K = {figure.k}"


def _x(figure: Figure) -> Column:
    return figure.x or 0, f"{figure.x:g} %"


_CORPUS_METRICS: Final = (
    "entries",
    "passages",
    "coverage",
    "precision",
    "unfiltered_coverage",
    "unfiltered_precision",
    "filter_precision",
    "filter_recall",
    "open_domain_filter_precision",
    "open_domain_filter_recall",
)
_SINGLE_HOP_ROWS: Final = (
    "QAMAT Fine-tuned",
    "QAMAT Zero-Shot",
    "Closed-book T5",
    "BM25 questions",
    "Dense questions",
    "RePAQ",
    "RePAQ+Rerank",
    *ALL_PASSAGE_ROWS,
)
_STAGES: Final = ("Only In-Batch", "Only Global", "In-Batch->Global")
_ABSTENTION_METRICS: Final = ("auroc", "aurc", "ece", "coverage_at_risk", "em_at_coverage")
_FINE_TUNED: Final = ("QAMAT Fine-tuned",)
_WITHOUT_START: Final = "QAMAT+ without HotpotQA's start"
_TWO_HOP_ROWS: Final = ("Closed-book T5", "MDR+T5-Decoder", "RePAQ", "QAMAT", "QAMAT+", _WITHOUT_START)
_OWN_SINGLE_HOP: Final = (
    "Rows with passages read these in the place of a memory, and have been trained here. The paper: WebQuestions of "
    "both RePAQ rows is its authors' own replication."
)
_OWN_TWO_HOP: Final = (
    "The first world stands for HotpotQA; the second, a smaller one, for MuSiQue: its models start from the first "
    "one's in-batch checkpoint, but for the row without that start. The paper: dev sets; RePAQ is its authors' own "
    "replication; without HotpotQA's start MuSiQue has 5 to 7 F1 less (§5.5)."
)


def _statistic(figure: Figure) -> RowLabel:
    return figure.metric_name, ""


def _corpus(figure: Figure) -> Column:
    where = [figure.dataset_name, figure.model_size] if figure.source == "measured" else []
    return 0, ", ".join([figure.row, *where])


def _variant(figure: Figure) -> RowLabel:
    return figure.row, ""


def _metric(figure: Figure) -> Column:
    return figure.k or 0 if figure.metric == "recall" else 0, figure.metric_name


def _metric_at(figure: Figure) -> Column:
    at = f" {figure.x:g} %" if figure.x is not None else ""
    return _ABSTENTION_METRICS.index(figure.metric), figure.metric_name + at


def _human_row(figure: Figure) -> RowLabel:
    overlap = figure.split.partition("-")[2].replace("-", " ") or "all questions"
    return figure.row, overlap


def _human_column(figure: Figure) -> Column:
    split = figure.split.partition("-")[0]
    return figure.k or 0 if figure.metric == "recall" else 0, f"{figure.dataset_name} {split} {figure.metric_name}"


LAYOUTS: Final = (
    Layout("table1", "Table 1", "The memory", _CORPUS_METRICS, ("Generated",), _statistic, _corpus),
    Layout(
        "table2",
        "Table 2",
        "Single-hop questions, exact match",
        ("em",),
        _SINGLE_HOP_ROWS,
        _model_row,
        _dataset,
        f"{_OWN_SINGLE_HOP} Rows of a larger T5 are made by --only sizes.",
    ),
    Layout(
        "table3",
        "Table 3",
        "Two-hop questions",
        ("f1", "em"),
        _TWO_HOP_ROWS,
        _model_row,
        _dataset_and_metric,
        _OWN_TWO_HOP,
        of_some={_WITHOUT_START: ("MuSiQue", "Second world")},
    ),
    Layout(
        "table4",
        "Table 4",
        "Recall and exact match by K",
        ("recall", "em"),
        _FINE_TUNED,
        _by_k_row,
        _k,
        "The same models read every K; where K is above what they were trained to read, a sample of the questions may "
        "be asked (n has both numbers then).",
    ),
    Layout(
        "table5",
        "Table 5",
        "Pre-training stages, exact match",
        ("em",),
        _STAGES,
        _model_row,
        _dataset,
        "In-Batch->Global is the model of Table 2; Only In-Batch starts from its stage one; Only Global is trained for "
        "the steps of both stages.",
    ),
    Layout(
        "table6",
        "Table 6",
        "Kinds of memory",
        ("em", "recall"),
        ("Ours 60M", "PAQ 65M", "Both"),
        _model_row,
        _dataset_and_metric,
        "Ours 60M is the memory of Table 2, with its models. PAQ 65M is imported: more precise, of fewer passages; on "
        "the synthetic corpus, for which there is no PAQ, right pairs of 45 % of the passages stand in for it. Both: "
        "the imported pairs, and generated ones of the passages that they leave uncovered, as the paper's own 60M are "
        "made. Stage one is the same in all rows; later stages are trained over each memory.",
    ),
    Layout(
        "table7",
        "Table 7",
        "Exact match by pre-training examples",
        ("em",),
        ("QAMAT Fine-tuned", "DPR-reverse"),
        _by_examples,
        _dataset,
        "The paper: 100 % are 20M examples; DPR-reverse are 120K of another corpus. Here DPR-reverse are the training "
        "questions of the data set, each with the passage that BM25 finds for it and that holds its answer. Every row "
        "is pre-trained for as many steps; the model of 100 % is Table 2's.",
        (5, 25, 50, 100),
    ),
    Layout(
        "figure7",
        "Figure 7",
        "Exact match by memory size",
        ("em",),
        _FINE_TUNED,
        _sweep_row,
        _x,
        "The same fine-tuned models answer over a share of their memory, drawn at random; none is trained anew for a "
        "size (the paper does not say whether its models were). With several seeds points are means over them, bars "
        f"intervals over questions and seeds. The paper: {MEMORY_SIZE_CLAIM}.",
    ),
    Layout(
        "integration",
        "Integration",
        "What the decoder reads of an entry: its vector, its text, or both",
        ("em", "recall"),
        ("Neural part alone", "Discrete part alone", "Both parts"),
        _variant,
        _metric,
        "Section 3.4, for which the paper has no table: the text adds 14 % on TriviaQA and 10 % on HotpotQA. All rows "
        "share stage one, which reads both; later stages are trained, and questions answered, with the part of the "
        "row. In the last row the model of both answers without the neural part.",
    ),
    Layout(
        "speed",
        "Speed",
        "Questions a second",
        ("questions_per_second",),
        ("QAMAT", "FiD"),
        _model_row,
        _metric,
        "QAMAT reads 32 entries that it searches for within the time, FiD 100 passages of 200 pieces found before; "
        "both trained from one in-batch checkpoint, timed in turns on the same questions; intervals are over rounds. "
        "The paper: on 32 TPU v3; what counts as a question's time is not said.",
    ),
    Layout(
        "abstention",
        "Abstention",
        "How well confidence tells right answers from wrong",
        _ABSTENTION_METRICS,
        CONFIDENCES,
        _variant,
        _metric_at,
        "Questions are answered surest first. Risk is the share of wrong answers among those given, AURC its mean over "
        "all coverages (lower is better), AUROC how often a right answer is surer than a wrong one, ECE how far "
        "confidence and share right are apart. Calibrated: a logistic regression on the other three, fitted on "
        "dev (on train where dev is asked). The paper has no such table.",
    ),
    Layout(
        "attribution",
        "Attribution",
        "Whether answers rest on the entries shown",
        ("answer_changed", "right_lost"),
        tuple(name for taken, name in NAMES.items() if taken != "first"),
        _variant,
        _metric,
        "Entries are taken out of the memory for one question, which is asked again; the next best entry takes their "
        "place. The other entry, drawn at random, is what to compare with. A right answer is lost if it is wrong then. "
        "The paper has no such table.",
        sparse=True,
    ),
    Layout(
        "ablations",
        "Ablations",
        "What each term does",
        ("em", "recall"),
        (),
        _variant,
        _metric,
        "Every row changes one thing in the recipe of the first. The paper has no such table.",
    ),
    Layout(
        "human",
        "Real questions",
        "Real questions over a memory that people wrote, models from random weights",
        ("em", "recall"),
        (),
        _human_row,
        _human_column,
        "Question overlap: a training question with a common answer has half of their words or more in common; answer "
        "overlap: only the answer is one of a training question's; no overlap: neither. The paper has no such table.",
        sparse=True,
    ),
)
"""The tables of the report, in order."""


def compare(layout: Layout, figures: Sequence[Figure]) -> Comparison:
    """Lay out one table from all figures."""
    own = [figure for figure in figures if figure.table == layout.table and figure.metric in layout.metrics]
    measured = [figure for figure in own if figure.source == "measured"]
    names = {figure.row for figure in measured}
    absent = [row for row in layout.expected if row not in names and not (layout.sparse and names)]
    order = {row: number for number, row in enumerate(layout.expected)}
    measured.sort(key=lambda figure: (order.get(figure.row, len(order)), layout.metrics.index(figure.metric)))
    grid = _grid(layout, measured, absent)
    return Comparison(
        layout=layout,
        measured=grid,
        quoted=_grid(layout, [figure for figure in own if figure.source == "quoted"], ()),
        missing=(*_missing(layout, grid), *_unswept(layout, measured)),
        synthetic=any(figure.synthetic for figure in measured),
    )


def _grid(layout: Layout, figures: Sequence[Figure], absent: Sequence[str]) -> Grid:
    cells = {(layout.row_of(figure), layout.column_of(figure)): figure for figure in figures}
    rows = list(dict.fromkeys(row for row, _ in cells))
    columns = sorted(dict.fromkeys(column for _, column in cells), key=lambda column: column[0])
    filled = [(row, tuple(cells.get((row, column)) for column in columns)) for row in rows]
    empty = [((row, ""), (None,) * max(len(columns), 1)) for row in absent]
    names = tuple(name for _, name in columns) or ((_NO_COLUMN,) if absent else ())
    return Grid(names, (*filled, *empty), layout.of_some)


def _unswept(layout: Layout, measured: Sequence[Figure]) -> list[str]:
    """Name the percentages without a figure, where there are others."""
    points = {figure.x for figure in measured if figure.row in layout.expected[:1]}
    return [f"{layout.name}: {layout.expected[0]} at {x:g} %" for x in layout.swept if points and x not in points]


def _missing(layout: Layout, grid: Grid) -> tuple[str, ...]:
    """Name every cell without a figure, a row without any by its name alone."""
    found: list[str] = []
    for (row, detail), cells in grid.rows:
        label = f"{layout.name}: {row}" + (f" ({detail})" if detail else "")
        if not any(cells):
            found.append(label)
        elif not layout.sparse:
            empty = [name for name, cell in zip(grid.columns, cells, strict=True) if cell is None]
            found += [f"{label}, {name}" for name in empty if grid.blank(row, name) == "missing"]
    return tuple(found)
