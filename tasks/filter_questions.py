"""The reading-comprehension filter: passages, answers, questions -> verdicts (one a question, kept or not)."""

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from qamat_core.generation.examples import COMPREHENSION
from qamat_core.generation.formats import comprehension_prompt
from qamat_core.generation.quarantine import Decoded, Quarantined
from qamat_core.generation.questions import Verdict, judge
from qamat_core.store.store import Job, Store
from schemas.artifacts import ArtifactRef, Name
from schemas.generation import FilterQuestionsConfig, PromptFormat
from schemas.resources import Resources
from schemas.tables import VERDICTS
from tasks.beam import Tables
from tasks.model_stage import Decoding, Row, Source, Stage, run_stage
from tasks.reuse import Asked


@dataclass(frozen=True)
class FilterInputs:
    """What is judged, and by what."""

    passages: ArtifactRef
    answers: ArtifactRef
    questions: ArtifactRef
    generator: ArtifactRef


def run(config: FilterQuestionsConfig, inputs: FilterInputs, *, name: Name, resources: Resources) -> ArtifactRef:
    """Judge every question: does reading the passage give the answer that it was made for?"""
    store = Store(resources.home)
    job = Job(module=__name__, config=config, inputs=vars(inputs), outputs={"verdicts": ("verdicts", name)})
    decoding = Decoding(config.shape)
    made = store.produce(job, lambda work: run_stage(store, STAGE, decoding, job, work, resources, config.filter))
    return made["verdicts"]


def _prompts(prompts: PromptFormat, passage: Row, question: Row) -> Sequence[str]:
    return [comprehension_prompt(prompts, passage["title"], passage["text"], question["question"])]


def sort_out(
    questions: Sequence[Row], found: Sequence[Sequence[Decoded]], tables: Tables, source: Source
) -> dict[str, pa.Table]:
    """Make a row of every verdict, in the questions' order, kept or not."""
    answers = dict(zip(*(tables["answers"][name].to_pylist() for name in ("answer_id", "text")), strict=True))
    verdicts = [
        quarantined(decoded)
        if isinstance(decoded, Quarantined)
        else judge(answers[question["answer_id"]], decoded[0].text)
        for question, (decoded,) in zip(questions, found, strict=True)
    ]
    return {"verdicts": verdict_table(questions, verdicts, source.label)}


def quarantined(record: Quarantined) -> Verdict:
    """Return the verdict of a question for which the reader failed."""
    return Verdict("", 0.0, kept=False, reason=record.reason)


def verdict_table(questions: Sequence[Row], verdicts: Sequence[Verdict], label: str) -> pa.Table:
    """Return the rows of the table: one a question, by the filter of this label."""
    rows = [
        {
            "qa_id": question["qa_id"],
            "predicted_answer": verdict.predicted,
            "f1": verdict.f1,
            "kept": verdict.kept,
            "reason": verdict.reason,
            "filter": label,
        }
        for question, verdict in zip(questions, verdicts, strict=True)
    ]
    return pa.Table.from_pylist(rows, schema=VERDICTS)


def count_verdicts(tables: Tables) -> tuple[int, int, int]:
    """Return how many verdicts there are, of pairs kept and of others."""
    verdicts = tables["verdicts"]
    kept = verdicts["kept"].to_numpy().sum().item()
    return verdicts.num_rows, kept, verdicts.num_rows - kept


STAGE = Stage(
    COMPREHENSION,
    Asked("questions", "qa_id", {"verdicts": "qa_id"}),
    _prompts,
    sort_out,
    count_verdicts,
    beside=("answers",),
)
