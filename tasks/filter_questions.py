"""The reading-comprehension filter: passages, answers, questions -> verdicts (one a question, kept or not)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa

from qamat_core.generation.examples import COMPREHENSION, source_length, target_length
from qamat_core.generation.formats import comprehension_prompt
from qamat_core.generation.generator import Generator, Search
from qamat_core.generation.questions import judge
from qamat_core.store.store import Job, Store, TableDraft
from schemas.artifacts import ArtifactRef, Name
from schemas.generation import FilterQuestionsConfig
from schemas.resources import Resources
from schemas.tables import VERDICTS
from tasks.beam import Counted, Tables, align, run_shards
from tasks.generator_pool import open_generator

Row = Mapping[str, Any]


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
    return store.produce(job, lambda work: _run_beam(store, config, inputs, work, resources))["verdicts"]


def _run_beam(
    store: Store, config: FilterQuestionsConfig, inputs: FilterInputs, work: Path, resources: Resources
) -> dict[str, TableDraft]:
    open_generator(resources.home, inputs.generator)  # a wrong checkpoint is refused here, not inside Beam
    elements = align(store, {"passages": inputs.passages, "answers": inputs.answers, "questions": inputs.questions})
    setup = partial(prepare, config, inputs.generator, resources.home)
    return run_shards(elements, setup, ("verdicts",), work, resources)


def prepare(config: FilterQuestionsConfig, checkpoint: ArtifactRef, home: str) -> Callable[[Tables], Counted]:
    """Load the generator; return the function that processes one shard."""
    return partial(check, config, open_generator(home, checkpoint))


def check(config: FilterQuestionsConfig, generator: Generator, tables: Tables) -> Counted:
    """Read the answer of every question of one shard greedily and judge it, in the questions' order."""
    passages = {row["passage_id"]: row for row in tables["passages"].to_pylist()}
    questions = tables["questions"].to_pylist()
    prompts = [_prompt(generator, passages[row["passage_id"]], row["question"]) for row in questions]
    search = Search(target_length(COMPREHENSION, generator.config))
    found = generator.candidates(prompts, source_length(COMPREHENSION, generator.config), search, config.shape)
    answers = {row["answer_id"]: row["text"] for row in tables["answers"].to_pylist()}
    return sort_out(config.filter, questions, answers, [candidates[0].text for candidates in found])


def _prompt(generator: Generator, passage: Row, question: str) -> str:
    return comprehension_prompt(generator.config.prompts, passage["title"], passage["text"], question)


def sort_out(label: str, questions: Sequence[Row], answers: Mapping[str, str], predicted: Sequence[str]) -> Counted:
    """Make a row of every verdict; the counts tell kept from not kept, the table has both."""
    rows: list[Row] = []
    for question, text in zip(questions, predicted, strict=True):
        verdict = judge(answers[question["answer_id"]], text)
        rows.append(
            {
                "qa_id": question["qa_id"],
                "predicted_answer": verdict.predicted,
                "f1": verdict.f1,
                "kept": verdict.kept,
                "reason": verdict.reason,
                "filter": label,
            }
        )
    kept = sum(row["kept"] for row in rows)
    tables = {"verdicts": pa.Table.from_pylist(rows, schema=VERDICTS)}
    return Counted(tables, read=len(rows), kept=kept, rejected=len(rows) - kept)
