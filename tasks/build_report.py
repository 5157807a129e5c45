"""The report: metrics, predictions with their memory and passages, and a corpus's tables -> report directory.

Holds report.html (self-contained), report.md, metrics.parquet and metrics.csv. The templates are part of its key.
"""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from qamat_core.funnel import funnel
from qamat_core.report.attributed import Attributed, attributed
from qamat_core.report.provenance import lineage
from qamat_core.report.render import TEMPLATES, Report, write
from qamat_core.report.worked import WorkedQuestion, work_out
from qamat_core.store.shards import directory_digest, directory_entries
from qamat_core.store.store import DirectoryDraft, Job, Store
from schemas.artifacts import ArtifactRef, Digest, Name
from schemas.errors import InputError
from schemas.evaluation import ReportConfig
from schemas.resources import Resources


@dataclass(frozen=True)
class Shown:
    """Predictions whose first questions are shown, the memory that they were answered from, its passages."""

    predictions: ArtifactRef
    memory: ArtifactRef
    passages: tuple[ArtifactRef, ...] = ()


@dataclass(frozen=True)
class Audited:
    """Attributions whose first cases are shown, and the memory that was answered from."""

    attributions: ArtifactRef
    memory: ArtifactRef


@dataclass(frozen=True)
class ReportInputs:
    """What a report is made of; what is not given is named as missing.

    ``generated`` is the memory whose funnel is shown.
    """

    metrics: tuple[ArtifactRef, ...]
    generated: ArtifactRef | None = None
    shown: Shown | None = None
    audited: Audited | None = None

    @property
    def refs(self) -> list[ArtifactRef]:
        """All artifacts given."""
        shown = [self.shown.predictions, self.shown.memory, *self.shown.passages] if self.shown else []
        audited = [self.audited.attributions, self.audited.memory] if self.audited else []
        return [*self.metrics, *([self.generated] if self.generated else []), *shown, *audited]


class _KeyedConfig(ReportConfig):
    templates: Digest


def run(config: ReportConfig, inputs: ReportInputs, *, name: Name, resources: Resources) -> ArtifactRef:
    """Build the report."""
    store = Store(resources.home)
    keyed = _KeyedConfig(**config.model_dump(), templates=directory_digest(directory_entries(TEMPLATES)))
    job = Job(
        module=__name__,
        config=keyed,
        inputs={f"{number:03d}": ref for number, ref in enumerate(inputs.refs)},
        outputs={"report": ("report", name)},
    )

    def build(work: Path) -> dict[str, DirectoryDraft]:
        report = Report.of(
            config,
            [store.open_table(ref) for ref in inputs.metrics],
            funnel(store, inputs.generated) if inputs.generated else [],
            _worked(store, inputs.shown, config),
            lineage(store, inputs.refs),
            _attributed(store, inputs.audited, config),
        )
        shutil.rmtree(work / "report", ignore_errors=True)
        write(report, work / "report")
        return {"report": DirectoryDraft(work / "report")}

    return store.produce(job, build)["report"]


def copy_report(report: ArtifactRef, out: Path, *, resources: Resources) -> list[Path]:
    """Copy a report's files into a directory, which is made if need be, and return them.

    Raises:
        InputError: the directory cannot be written.
    """
    source = Store(resources.home).open_directory(report)
    try:
        out.mkdir(parents=True, exist_ok=True)
        return [_copied(path, out / path.name) for path in sorted(source.iterdir())]
    except OSError as error:
        raise InputError(f"{out}: the report cannot be written there ({error.strerror}); give another --out") from error


def _copied(source: Path, target: Path) -> Path:
    """Put a copy in the place of what lies there: whole or not at all, and never through a link."""
    aside = target.with_name(f".{uuid4().hex}.tmp")
    try:
        with source.open("rb") as given, aside.open("xb") as written:
            shutil.copyfileobj(given, written)
        return aside.replace(target)
    finally:
        aside.unlink(missing_ok=True)


def _worked(store: Store, shown: Shown | None, config: ReportConfig) -> Sequence[WorkedQuestion]:
    if shown is None:
        return []
    return work_out(
        store.open_table(shown.predictions),
        store.open_table(shown.memory),
        [store.open_table(ref) for ref in shown.passages],
        questions=config.questions,
        entries=config.entries,
    )


def _attributed(store: Store, audited: Audited | None, config: ReportConfig) -> Sequence[Attributed]:
    if audited is None:
        return []
    return attributed(store.open_table(audited.attributions), store.open_table(audited.memory), config.attributions)
