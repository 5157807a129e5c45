"""Another threshold without another model call: answers, questions, verdicts -> verdicts.

What the reader answered stands in the verdicts; it is judged again by another rule.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import pyarrow as pa

from qamat_core.generation.quarantine import PREFIX
from qamat_core.generation.questions import judge
from qamat_core.store.store import Job, Store
from schemas.artifacts import ArtifactRef, Name
from schemas.generation import RefilterConfig
from schemas.resources import Resources
from schemas.tables import VERDICTS
from tasks.beam import Counted, Tables, align, run_shards

IMPROBABLE = "question too improbable"
DIFFERENT = "F1 too low"


@dataclass(frozen=True)
class RefilterInputs:
    """The aligned tables of one corpus."""

    answers: ArtifactRef
    questions: ArtifactRef
    verdicts: ArtifactRef


def run(config: RefilterConfig, inputs: RefilterInputs, *, name: Name, resources: Resources) -> ArtifactRef:
    """Judge every question of a corpus again; the verdicts are called ``name``."""
    store = Store(resources.home)
    refs: dict[str, ArtifactRef] = vars(inputs)
    job = Job(module=__name__, config=config, inputs=refs, outputs={"verdicts": ("verdicts", name)})
    made = store.produce(
        job,
        lambda work: run_shards(align(store, refs), lambda: partial(rejudge, config), ("verdicts",), work, resources),
    )
    return made["verdicts"]


def rejudge(config: RefilterConfig, tables: Tables) -> Counted:
    """Judge the verdicts of one shard again, in their order."""
    answers = {row["answer_id"]: row["text"] for row in tables["answers"].to_pylist()}
    questions = {row["qa_id"]: row for row in tables["questions"].to_pylist()}
    rows: list[Mapping[str, Any]] = []
    for verdict in tables["verdicts"].to_pylist():
        question = questions[verdict["qa_id"]]
        reason = _reason(config, verdict, answers[question["answer_id"]], question["mean_logprob"])
        rows.append(verdict | {"kept": reason == "match", "reason": reason})
    kept = sum(row["kept"] for row in rows)
    verdicts: pa.Table = pa.Table.from_pylist(rows, schema=VERDICTS)
    return Counted({"verdicts": verdicts}, read=len(rows), kept=kept, rejected=len(rows) - kept)


def _reason(config: RefilterConfig, verdict: Mapping[str, Any], answer: str, mean_logprob: float) -> str:
    if verdict["reason"].startswith(PREFIX):
        return verdict["reason"]
    if config.min_logprob is not None and mean_logprob < config.min_logprob:
        return IMPROBABLE
    judged = judge(answer, verdict["predicted_answer"])
    if judged.kept or judged.reason == "empty" or config.min_f1 is None:
        return judged.reason
    return "match" if judged.f1 >= config.min_f1 else DIFFERENT
