"""Question generation: passages, answers -> questions, rejects (answers that no question came of)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa

from qamat_core.generation.examples import GENERATION, source_length, target_length
from qamat_core.generation.formats import generation_prompt
from qamat_core.generation.generator import Candidate, Generator, Search
from qamat_core.generation.questions import question_fault
from qamat_core.store.store import Job, Store, TableDraft
from schemas.artifacts import ArtifactRef, Kind, Name
from schemas.generation import GenerateQuestionsConfig
from schemas.resources import Resources
from schemas.tables import QUESTIONS, REJECTS, stable_id
from tasks.beam import Counted, Tables, align, run_shards
from tasks.generator_pool import generator_id, open_generator

Row = Mapping[str, Any]


@dataclass(frozen=True)
class QuestionInputs:
    """What is asked about, and by what."""

    passages: ArtifactRef
    answers: ArtifactRef
    generator: ArtifactRef


def run(config: GenerateQuestionsConfig, inputs: QuestionInputs, *, name: Name, resources: Resources) -> ArtifactRef:
    """Make one question of every answer; the rejects stand in ``rejects/<name>-questions``."""
    store = Store(resources.home)
    outputs: dict[str, tuple[Kind, str]] = {
        "questions": ("questions", name),
        "rejects": ("rejects", f"{name}-questions"),
    }
    job = Job(module=__name__, config=config, inputs=vars(inputs), outputs=outputs)
    return store.produce(job, lambda work: _run_beam(store, config, inputs, work, resources))["questions"]


def _run_beam(
    store: Store, config: GenerateQuestionsConfig, inputs: QuestionInputs, work: Path, resources: Resources
) -> dict[str, TableDraft]:
    open_generator(resources.home, inputs.generator)  # a wrong checkpoint is refused here, not inside Beam
    elements = align(store, {"passages": inputs.passages, "answers": inputs.answers})
    setup = partial(prepare, config, inputs.generator, resources.home)
    return run_shards(elements, setup, ("questions", "rejects"), work, resources)


def prepare(config: GenerateQuestionsConfig, checkpoint: ArtifactRef, home: str) -> Callable[[Tables], Counted]:
    """Load the generator; return the function that processes one shard."""
    return partial(ask, config, open_generator(home, checkpoint), generator_id(checkpoint))


def ask(config: GenerateQuestionsConfig, generator: Generator, label: str, tables: Tables) -> Counted:
    """Ask for every answer of one shard, in the answers' order."""
    passages = {row["passage_id"]: row for row in tables["passages"].to_pylist()}
    answers = tables["answers"].to_pylist()
    prompts = [_prompt(generator, passages[answer["passage_id"]], answer) for answer in answers]
    search = Search(target_length(GENERATION, generator.config), config.beam_size, config.length_penalty)
    found = generator.candidates(prompts, source_length(GENERATION, generator.config), search, config.shape)
    return sort_out(answers, [candidates[0] for candidates in found], label)


def _prompt(generator: Generator, passage: Row, answer: Row) -> str:
    return generation_prompt(
        generator.config.prompts, passage["title"], passage["text"], answer["start"], answer["end"]
    )


def sort_out(answers: Sequence[Row], found: Sequence[Candidate], label: str) -> Counted:
    """Make rows of decoded texts: questions, and rejects of what is none."""
    questions: list[Row] = []
    rejects: list[Row] = []
    for answer, one in zip(answers, found, strict=True):
        if reason := question_fault(one):
            rejects.append({"source": answer["answer_id"], "record": one.text, "reason": reason})
            continue
        questions.append(
            {
                "qa_id": stable_id(answer["answer_id"], one.text),
                "answer_id": answer["answer_id"],
                "passage_id": answer["passage_id"],
                "question": one.text,
                "sum_logprob": one.sum_logprob,
                "mean_logprob": one.mean_logprob,
                "generator": label,
            }
        )
    tables = {
        "questions": pa.Table.from_pylist(questions, schema=QUESTIONS),
        "rejects": pa.Table.from_pylist(rejects, schema=REJECTS),
    }
    return Counted(tables, read=len(answers), kept=len(questions), rejected=len(rejects))
