"""The gate: a candidate and the champion, their predictions on the same questions -> a verdict (``gate``).

Both are timed here, in turns, so that what else the machine does falls on both. Times differ from run to run: of all
artifacts of promotion this alone has another content when it is made again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa

from qamat_core.evaluation.calibration import Confidence
from qamat_core.evaluation.speed import Answer, speeds
from qamat_core.promotion.bundle import Bundle
from qamat_core.promotion.gate import figures, judge
from qamat_core.qamat.examples import question_inputs
from qamat_core.qamat.inference import Answerer
from qamat_core.store.store import DirectoryDraft, Job, Store
from schemas.artifacts import ArtifactRef, Name
from schemas.errors import CorruptArtifactError, InputError
from schemas.promotion import Figures, GateConfig, Verdict
from schemas.resources import Resources
from tasks.qamat_stage import open_checkpoint
from tasks.searching import open_search

VERDICT: Final = "verdict.json"
_SCORES: Final = 2
"""Confidence looks at the scores of the best entries, so many at least."""


@dataclass(frozen=True)
class Contender:
    """A bundle, its predictions on the questions, and their overlaps with what it was trained on."""

    bundle: ArtifactRef
    predictions: ArtifactRef
    overlaps: Sequence[ArtifactRef] = field(default=())

    def refs(self, label: str) -> dict[str, ArtifactRef]:
        """Return all by label."""
        overlaps = {f"{label}-overlaps-{number}": ref for number, ref in enumerate(self.overlaps)}
        return {label: self.bundle, f"{label}-predictions": self.predictions, **overlaps}


@dataclass(frozen=True)
class JudgeInputs:
    """``champion`` is None for the first of all."""

    questions: ArtifactRef
    candidate: Contender
    champion: Contender | None = None


def run(config: GateConfig, inputs: JudgeInputs, *, name: Name, resources: Resources) -> ArtifactRef:
    """Return the verdict on the candidate.

    Raises:
        InputError: there is no question.
    """
    store = Store(resources.home)
    refs = {"questions": inputs.questions, **inputs.candidate.refs("candidate")}
    if inputs.champion:
        refs |= inputs.champion.refs("champion")
    job = Job(module=__name__, config=config, inputs=refs, outputs={"verdict": ("gate", name)})

    def build(work: Path) -> Mapping[str, DirectoryDraft]:
        verdict = judge_contenders(store, config, inputs)
        (work / "gate").mkdir(exist_ok=True)
        (work / "gate" / VERDICT).write_text(verdict.model_dump_json(indent=2) + "\n")
        failed = ", ".join(check.threshold for check in verdict.failed)
        return {"verdict": DirectoryDraft(work / "gate", notes={"failed": failed or "none"})}

    return store.produce(job, build)["verdict"]


def load_verdict(store: Store, ref: ArtifactRef) -> Verdict:
    """Open a verdict.

    Raises:
        CorruptArtifactError: it has none that can be read.
    """
    file = store.open_directory(ref) / VERDICT
    try:
        return Verdict.model_validate_json(file.read_text())
    except (OSError, ValueError) as error:
        raise CorruptArtifactError(f"{file}: not a verdict; run `qamat artifacts verify --discard`") from error


def judge_contenders(store: Store, config: GateConfig, inputs: JudgeInputs) -> Verdict:
    """Measure both and hold the candidate against the thresholds."""
    examples = store.open_table(inputs.questions)
    if not examples.num_rows:
        raise InputError(f"{inputs.questions} holds no question: import it again")
    contenders = {"candidate": inputs.candidate, "champion": inputs.champion}
    given = {label: one for label, one in contenders.items() if one}
    answer = {label: _answering(store, config, one.bundle, examples) for label, one in given.items()}
    timed = speeds(answer, config.timed_questions, config.timed_rounds)
    found = {label: _figures(store, config, one, float(np.median(timed[label]))) for label, one in given.items()}
    candidate, champion = found["candidate"], found.get("champion")
    relative = round(float(np.median(timed["candidate"] / timed["champion"])), 4) if champion else None
    checks = judge(config.thresholds, candidate, champion, relative)
    return Verdict(
        candidate=inputs.candidate.bundle,
        champion=inputs.champion.bundle if inputs.champion else None,
        questions=inputs.questions,
        measured=candidate,
        beside=champion,
        checks=checks,
        passed=all(check.passed for check in checks),
    )


def _figures(store: Store, config: GateConfig, one: Contender, speed: float) -> Figures:
    fitted = Bundle.load(store.open_directory(one.bundle)).calibration
    sure = Confidence.load(store.open_directory(fitted)) if fitted else Confidence.uncalibrated()
    overlaps = [store.open_table(ref) for ref in one.overlaps]
    return figures(store.open_table(one.predictions), sure, overlaps, config.recall_at, speed)


def _answering(store: Store, config: GateConfig, ref: ArtifactRef, examples: pa.Table) -> Answer:
    """Return what answers the questions of a round with a bundle: those after the round's before, around and around."""
    bundle = Bundle.load(store.open_directory(ref))
    checkpoint = open_checkpoint(store, bundle.checkpoint)
    memory, index, _ = open_search(store, bundle.index, checkpoint, bundle.searcher)
    few = examples.slice(0, config.timed_rounds * config.timed_questions)
    asked = np.resize(np.arange(few.num_rows), (config.timed_rounds, config.timed_questions))
    tokens = question_inputs(few.column("question").to_pylist(), checkpoint.tokenizer, checkpoint.reader.config)
    answerer = Answerer(
        reader=checkpoint.reader,
        params=checkpoint.params,
        memory=memory,
        index=index,
        rounds=bundle.rounds,
        slots=bundle.top_k,
        retrieve=max(bundle.top_k, _SCORES),
        batch_size=config.timed_questions,
    )
    return lambda number: answerer.answer(tokens[asked[number]], bundle.top_k)
