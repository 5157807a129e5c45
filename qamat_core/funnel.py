"""What became of everything that was generated: counts at each stage of a corpus, with reasons.

Read from the registered tables, so that nothing is counted that is not there: kept rows stand in ``answers``,
``questions``, ``verdicts`` and ``qa_pairs``, the others in ``rejects``, ``verdicts`` and ``duplicates``.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from qamat_core.generation.quarantine import PREFIX
from qamat_core.store.registry import RegistryRow
from qamat_core.store.shards import read_shard
from qamat_core.store.store import Store
from schemas.artifacts import ArtifactRef, TableKind
from schemas.errors import MissingArtifactError


@dataclass(frozen=True)
class FunnelStage:
    """One stage: records read and kept, and for each reason how many were not; read = kept + all reasons."""

    stage: str
    read: int
    kept: int
    reasons: Mapping[str, int]
    by: str = ""
    """Which filter judged, of those there are."""

    @property
    def title(self) -> str:
        """The stage, and which filter it is."""
        return f"{self.stage} ({self.by})" if self.by else self.stage

    @property
    def rejected(self) -> int:
        """Records not kept."""
        return self.read - self.kept

    @property
    def share(self) -> str:
        """The share kept, as text."""
        return f"{100 * self.kept / self.read:.1f} %" if self.read else ""

    @property
    def why(self) -> str:
        """The reasons with their counts, as text."""
        return ", ".join(f"{reason} {count:,}" for reason, count in self.reasons.items())

    @property
    def quarantined(self) -> int:
        """Records for which the model failed."""
        return self.reasons.get(PREFIX.rstrip(": "), 0)


def funnel(store: Store, memory: ArtifactRef) -> list[FunnelStage]:
    """Return the stages of a generated memory, candidates first.

    Raises:
        MissingArtifactError: the memory was not generated, or a table that it was made of is not registered any more.
    """
    row = store.row(memory)
    if "verdicts" not in row.inputs:
        raise MissingArtifactError(f"{memory} was not generated here: only a regenerated corpus has a funnel")
    answers, questions, verdicts = (store.row(row.inputs[label]) for label in ("answers", "questions", "verdicts"))
    imported = sum(store.row(ref).rows for label, ref in row.inputs.items() if label.startswith("imported-"))
    return [
        FunnelStage("answer candidates", answers.read, answers.kept, _count(store, _beside(store, answers, "rejects"))),
        FunnelStage("questions", questions.read, questions.kept, _count(store, _beside(store, questions, "rejects"))),
        FunnelStage("filter", verdicts.read, verdicts.kept, *_refused(store, verdicts)),
        FunnelStage(
            "deduplication",
            verdicts.kept + imported,
            row.rows,
            _count(store, _beside(store, row, "duplicates"), column="rule"),
        ),
    ]


def _beside(store: Store, row: RegistryRow, kind: TableKind) -> RegistryRow:
    """Return the other output of the job that made a table."""
    for other in reversed(store.registry.rows()):
        if other.ref.kind == kind and (other.module, other.config, other.inputs) == (
            row.module,
            row.config,
            row.inputs,
        ):
            return other
    raise MissingArtifactError(f"{row.ref}: its {kind} are not registered any more; regenerate the corpus")


def _count(store: Store, row: RegistryRow, column: str = "reason") -> dict[str, int]:
    """Count the values of a column, most frequent first; quarantined records count as one reason."""
    counts: Counter[str] = Counter()
    for path in store.open_shards(row.ref):
        counts.update(map(_reason, read_shard(path, [column])[column].to_pylist()))
    return _sorted(counts)


def _refused(store: Store, row: RegistryRow) -> tuple[dict[str, int], str]:
    """Count the reasons of verdicts that are not kept; tell whose verdicts they are."""
    counts: Counter[str] = Counter()
    filters: set[str] = set()
    for path in store.open_shards(row.ref):
        columns = read_shard(path, ["kept", "reason", "filter"]).to_pydict()
        counts.update(
            _reason(reason) for kept, reason in zip(columns["kept"], columns["reason"], strict=True) if not kept
        )
        filters.update(columns["filter"])
    return _sorted(counts), ", ".join(sorted(filters))


def _reason(reason: str) -> str:
    return PREFIX.rstrip(": ") if reason.startswith(PREFIX) else reason


def _sorted(counts: Counter[str]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
