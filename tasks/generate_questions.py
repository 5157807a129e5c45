"""Question generation: passages, answers -> questions, rejects (answers that no question came of)."""

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from qamat_core.generation.examples import GENERATION
from qamat_core.generation.formats import generation_prompt
from qamat_core.generation.quarantine import Decoded, Quarantined
from qamat_core.generation.questions import question_fault
from qamat_core.store.store import Job, Store
from schemas.artifacts import ArtifactRef, Kind, Name
from schemas.generation import GenerateQuestionsConfig, PromptFormat
from schemas.resources import Resources
from schemas.tables import QUESTIONS, REJECTS, stable_id
from tasks.beam import Tables
from tasks.model_stage import Decoding, Row, Source, Stage, run_stage
from tasks.reuse import Asked


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
    decoding = Decoding(config.shape, config.beam_size, config.length_penalty)
    return store.produce(job, lambda work: run_stage(store, STAGE, decoding, job, work, resources))["questions"]


def _prompts(prompts: PromptFormat, passage: Row, answer: Row) -> Sequence[str]:
    return [generation_prompt(prompts, passage["title"], passage["text"], answer["start"], answer["end"])]


def sort_out(
    answers: Sequence[Row], found: Sequence[Sequence[Decoded]], tables: Tables, source: Source
) -> dict[str, pa.Table]:
    """Make rows of decoded texts, in the answers' order: questions, and rejects of what is none."""
    del tables
    questions: list[Row] = []
    rejects: list[Row] = []
    for answer, (decoded,) in zip(answers, found, strict=True):
        if isinstance(decoded, Quarantined):
            rejects.append({"source": answer["answer_id"], "record": answer["text"], "reason": decoded.reason})
            continue
        one = decoded[0]
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
                "generator": source.generator,
            }
        )
    return {
        "questions": pa.Table.from_pylist(questions, schema=QUESTIONS),
        "rejects": pa.Table.from_pylist(rejects, schema=REJECTS),
    }


def _count(tables: Tables) -> tuple[int, int, int]:
    kept, rejected = tables["questions"].num_rows, tables["rejects"].num_rows
    return kept + rejected, kept, rejected


STAGE = Stage(
    GENERATION,
    Asked("answers", "answer_id", {"questions": "answer_id", "rejects": "source"}),
    _prompts,
    sort_out,
    _count,
)
