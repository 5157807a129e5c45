"""How the tables of the report are laid out: their rows and columns, what a whole reproduction measures, notes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from qamat_core.evaluation.abstention import CONFIDENCES
from qamat_core.evaluation.attribution import NAMES
from qamat_core.paper_figures import MEMORY_SIZE_CLAIM
from qamat_core.report import labels
from qamat_core.report.figures import Figure
from qamat_core.report.labels import ABSTENTION_METRICS, Column, RowLabel
from schemas.passages import ALL_PASSAGE_ROWS


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


LAYOUTS: Final = (
    Layout("table1", "Table 1", "The memory", _CORPUS_METRICS, ("Generated",), labels.statistic, labels.corpus),
    Layout(
        "table2",
        "Table 2",
        "Single-hop questions, exact match",
        ("em",),
        _SINGLE_HOP_ROWS,
        labels.model_row,
        labels.dataset,
        f"{_OWN_SINGLE_HOP} Rows of a larger T5 are made by --only sizes.",
    ),
    Layout(
        "table3",
        "Table 3",
        "Two-hop questions",
        ("f1", "em"),
        _TWO_HOP_ROWS,
        labels.model_row,
        labels.dataset_and_metric,
        _OWN_TWO_HOP,
        of_some={_WITHOUT_START: ("MuSiQue", "Second world")},
    ),
    Layout(
        "table4",
        "Table 4",
        "Recall and exact match by K",
        ("recall", "em"),
        _FINE_TUNED,
        labels.by_k_row,
        labels.k,
        "The same models read every K; where K is above what they were trained to read, a sample of the questions may "
        "be asked (n has both numbers then).",
    ),
    Layout(
        "table5",
        "Table 5",
        "Pre-training stages, exact match",
        ("em",),
        _STAGES,
        labels.model_row,
        labels.dataset,
        "In-Batch->Global is the model of Table 2; Only In-Batch starts from its stage one; Only Global is trained for "
        "the steps of both stages.",
    ),
    Layout(
        "table6",
        "Table 6",
        "Kinds of memory",
        ("em", "recall"),
        ("Ours 60M", "PAQ 65M", "Both"),
        labels.memory_row,
        labels.dataset_and_metric,
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
        labels.by_examples,
        labels.dataset,
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
        labels.sweep_row,
        labels.x,
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
        labels.variant,
        labels.metric,
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
        labels.model_row,
        labels.metric,
        "QAMAT reads 32 entries that it searches for within the time, FiD 100 passages of 200 pieces found before; "
        "both trained from one in-batch checkpoint, timed in turns on the same questions; intervals are over "
        "rounds, which n counts. "
        "The paper: on 32 TPU v3; what counts as a question's time is not said.",
    ),
    Layout(
        "abstention",
        "Abstention",
        "How well confidence tells right answers from wrong",
        ABSTENTION_METRICS,
        CONFIDENCES,
        labels.variant,
        labels.metric_at,
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
        labels.variant,
        labels.metric,
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
        labels.variant,
        labels.metric,
        "Every row changes one thing in the recipe of the first. The paper has no such table.",
    ),
    Layout(
        "human",
        "Real questions",
        "A memory that people wrote, models from random weights",
        ("em", "recall"),
        (),
        labels.human_row,
        labels.human_column,
        "Question overlap: a training question with a common answer has half of their words or more in common; answer "
        "overlap: only the answer is one of a training question's; no overlap: neither. The paper has no such table.",
        sparse=True,
    ),
)
"""The tables of the report, in order."""
