"""A checkpoint or a memory -> its card, as the Hugging Face hub reads them: YAML for programs, Markdown for people."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from huggingface_hub import DatasetCard, DatasetCardData, EvalResult, ModelCard, ModelCardData

from qamat_core.evaluation.bootstrap import Interval, mean_interval
from qamat_core.evaluation.corpus_statistics import entries_by_origin
from qamat_core.report.figures import Figure, from_table
from qamat_core.store.lineage import lineage
from qamat_core.store.registry import RegistryRow
from qamat_core.store.store import Store
from qamat_core.training.checkpoint import load_card
from schemas.artifacts import ArtifactRef
from schemas.errors import InputError

_TEMPLATES: Final = Path(__file__).parent
_WORLD: Final = "tasks.build_world"
_IMPORTED_PAIRS: Final = ("tasks.import_pairs",)
_IMPORTED_MODELS: Final = ("tasks.import_generator", "tasks.import_start")
"""What makes an artifact of something that was trained or generated elsewhere."""
_SIZES: Final = ((3, "1K"), (4, "10K"), (5, "100K"), (6, "1M"), (7, "10M"), (8, "100M"), (9, "1B"), (10, "10B"))


@dataclass(frozen=True)
class Measured:
    """How a checkpoint answered one set of questions."""

    predictions: ArtifactRef
    dataset: str
    split: str
    questions: int
    em: Interval
    f1: Interval

    @property
    def texts(self) -> tuple[str, str]:
        """Exact match and F1 in percent with their intervals over questions."""
        em, f1 = ([100 * share for share in one] for one in (self.em, self.f1))
        return f"{em[0]:.1f} [{em[1]:.1f}, {em[2]:.1f}]", f"{f1[0]:.1f} [{f1[1]:.1f}, {f1[2]:.1f}]"


def card(store: Store, ref: ArtifactRef) -> ModelCard | DatasetCard:
    """Return the card of a checkpoint or of a memory, with all that its home knows of it.

    Raises:
        InputError: it is neither.
    """
    if ref.kind == "checkpoint":
        return _model_card(store, ref)
    if ref.kind == "qa_pairs":
        return _memory_card(store, ref)
    raise InputError(f"{ref} has no card: name a checkpoint or a memory (qa_pairs)")


def _model_card(store: Store, ref: ArtifactRef) -> ModelCard:
    known = load_card(store.open_directory(ref))
    measured = measurements(store, ref)
    data = ModelCardData(
        language="en",
        library_name="qamat",
        tags=["qamat", "question-answering", known.role],
        model_name=ref.name,
        eval_results=[result for one in measured for result in _results(one)] or None,
    )
    return ModelCard.from_template(
        data, str(_TEMPLATES / "model.md.j2"), known=known, measured=measured, **_provenance(store, ref)
    )


def _memory_card(store: Store, ref: ArtifactRef) -> DatasetCard:
    entries = entries_by_origin(store.open_shards(ref))
    data = DatasetCardData(
        language="en",
        pretty_name=ref.name,
        task_categories=["question-answering"],
        size_categories=size_category(entries.total()),
        tags=["qamat", "qa-memory", *sorted(entries)],
    )
    return DatasetCard.from_template(
        data,
        str(_TEMPLATES / "memory.md.j2"),
        entries=dict(sorted(entries.items())),
        audited=_audited(store, ref),
        **_provenance(store, ref),
    )


def measurements(store: Store, checkpoint: ArtifactRef) -> list[Measured]:
    """Return how a checkpoint answered every set of questions that its home has predictions of, newest versions."""
    rows = {row.ref.name: row for row in store.registry.rows() if row.ref.kind == "predictions"}
    own = [row for row in rows.values() if _content(row, "checkpoint") == checkpoint.content]
    return [_measured(store, row) for row in sorted(own, key=lambda row: row.ref.name)]


def size_category(entries: int) -> str:
    """Return the hub's name for so many rows, such as 1K<n<10K."""
    below = next((number for number, (power, _) in enumerate(_SIZES) if entries < 10**power), len(_SIZES) - 1)
    return f"{_SIZES[below - 1][1]}<n<{_SIZES[below][1]}" if below else "n<1K"


def _measured(store: Store, row: RegistryRow) -> Measured:
    answered = store.open_table(row.ref)
    asked = store.open_table(row.inputs["questions"], ["dataset", "split"])
    exact, f1 = (answered.column(name).to_numpy().astype(np.float64) for name in ("exact_match", "f1"))
    return Measured(
        row.ref,
        "+".join(sorted(set(asked["dataset"].to_pylist()))),
        "+".join(sorted(set(asked["split"].to_pylist()))),
        answered.num_rows,
        mean_interval(exact),
        mean_interval(f1),
    )


def _results(one: Measured) -> Sequence[EvalResult]:
    values = (("exact_match", "Exact match", one.em), ("f1", "F1", one.f1))
    return [
        EvalResult(
            task_type="question-answering",
            dataset_type=one.dataset,
            dataset_name=one.dataset,
            dataset_split=one.split,
            metric_type=metric,
            metric_name=f"{name} ({one.predictions.name})",
            metric_value=round(100 * interval.mean, 2),
        )
        for metric, name, interval in values
    ]


def _audited(store: Store, memory: ArtifactRef) -> list[Figure]:
    """Return the figures of the audits of this very memory: coverage, precision, what its filters do."""
    rows = [row for row in store.registry.rows() if row.module == "tasks.audit_corpus"]
    own = [row.ref for row in rows if row.ref.kind == "metrics" and _content(row, "memory") == memory.content]
    return [figure for ref in own[-1:] for figure in from_table(store.open_table(ref))]


def _provenance(store: Store, ref: ArtifactRef) -> dict[str, Any]:
    found = lineage(store, ref)
    rows = [found.row, *found.ancestors()]
    return {
        "row": found.row,
        "rows": rows,
        "synthetic": any(row.module == _WORLD for row in rows),
        "annotations": _named(row for row in rows if row.ref.kind == "annotations"),
        "learned_from": _named(row for row in rows if row.ref.kind == "qa_examples"),
        "imported_pairs": _named(row for row in rows if row.module in _IMPORTED_PAIRS and row.ref.kind == "qa_pairs"),
        "imported_models": _named(
            row for row in rows if row.module in _IMPORTED_MODELS and row.ref.kind == "checkpoint"
        ),
    }


def _named(rows: Iterable[RegistryRow]) -> list[str]:
    return sorted({str(row.ref) for row in rows})


def _content(row: RegistryRow, label: str) -> str | None:
    given = row.inputs.get(label)
    return given.content if given else None
