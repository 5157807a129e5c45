"""The corpus funnel: how many records each stage of the corpus read, kept and rejected."""

from dataclasses import dataclass

from qamat_core.store.registry import RegistryRow

_NAMES = {
    "passages": "Passages",
    "answers": "Answer spans",
    "questions": "Questions",
    "verdicts": "Filter",
    "duplicates": "Duplicates",
    "qa_pairs": "Memory entries",
    "negatives": "Hard negatives",
    "pretrain_examples": "Pre-training examples",
}


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage: the records its job read, kept and rejected, and the rows that it wrote."""

    name: str
    read: int
    kept: int
    rejected: int
    rows: int

    @property
    def share(self) -> str:
        """The share kept, as text."""
        return f"{100 * self.kept / self.read:.1f} %" if self.read else ""


def stage(row: RegistryRow) -> Stage:
    """Return the stage that a registered table stands for."""
    name = _NAMES.get(row.ref.kind, row.ref.kind)
    return Stage(name, row.read, row.kept, row.rejected, row.rows)
