"""The audit of attribution: a checkpoint, its index, questions -> metrics, attributions (the answers one by one).

A sample of the questions is asked, then asked again without the entry that the answer rests on, without all read
entries that hold the answer, and without another entry that was read, to compare with. What is taken out leaves its
place to the next entry of the memory.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from jaxtyping import Int

from qamat_core import progress
from qamat_core.evaluation.attribution import NAMES, Taken, choose, effects
from qamat_core.evaluation.metrics import exact_match
from qamat_core.evaluation.predictions import accepted_answers, draw_questions
from qamat_core.evaluation.summary import percentages
from qamat_core.qamat.entries import MemoryEntries
from qamat_core.qamat.examples import question_inputs
from qamat_core.qamat.inference import Answered, Answerer, answer_text
from qamat_core.store.store import Job, Store, TableDraft, write_table
from qamat_core.text import normalize_answer
from schemas.artifacts import ArtifactRef, Name
from schemas.datasets import data_set
from schemas.errors import InputError
from schemas.evaluation import AttributionConfig
from schemas.resources import Resources
from schemas.tables import ATTRIBUTIONS, METRICS
from tasks.qamat_stage import open_checkpoint
from tasks.searching import open_answering

Case = tuple[int, tuple[int, ...]]
"""A question by its place in the sample, and the rows that it is asked without."""


@dataclass(frozen=True)
class AttributionInputs:
    """Who answers which questions from what."""

    checkpoint: ArtifactRef
    index: ArtifactRef
    questions: ArtifactRef


@dataclass(frozen=True)
class AttributionRefs:
    """What the audit gives."""

    metrics: ArtifactRef
    attributions: ArtifactRef


def run(config: AttributionConfig, inputs: AttributionInputs, *, name: Name, resources: Resources) -> AttributionRefs:
    """Audit a sample of the questions.

    Raises:
        InputError: there are no questions.
    """
    store = Store(resources.home)
    job = Job(
        module=__name__,
        config=config,
        inputs=vars(inputs),
        outputs={"metrics": ("metrics", name), "attributions": ("attributions", name)},
    )

    def build(work: Path) -> Mapping[str, TableDraft]:
        rows = _audit(store, config, inputs)
        figures = attribution_metrics(config, rows)
        return {
            "metrics": write_table(figures, "metrics", work, read=figures.num_rows),
            "attributions": write_table(rows, "attributions", work, read=rows.num_rows),
        }

    return AttributionRefs(**store.produce(job, build))


def attribution_metrics(config: AttributionConfig, attributions: pa.Table) -> pa.Table:
    """Return the shares of answers that change, and of right ones that are lost, for all that was taken out."""
    place = config.place.model_dump() | {"source": "measured", "seed": config.seed}
    rows: list[dict[str, Any]] = []
    for taken, row in NAMES.items():
        cases = [case for case in attributions.to_pylist() if case["taken"] == taken]
        changed, right, right_then = (
            [bool(case[name]) for case in cases] for name in ("changed", "exact_match", "exact_match_then")
        )
        for metric, (interval, count) in effects(changed, right, right_then, config.resamples).items():
            rows.append(place | percentages(metric, config.place.k, interval) | {"row": row, "n": count})
    return pa.Table.from_pylist(rows, schema=METRICS)


def _audit(store: Store, config: AttributionConfig, inputs: AttributionInputs) -> pa.Table:
    """Return the ``attributions``."""
    asked = draw_questions(store.open_table(inputs.questions), config.questions, config.seed)
    if not asked.num_rows:
        raise InputError(f"{inputs.questions} holds no question: import it again")
    checkpoint = open_checkpoint(store, inputs.checkpoint)
    memory, index, entries = open_answering(store, inputs.index, checkpoint)
    reading, k = config.reading, config.place.k
    assert k is not None, "the configuration was checked"
    slots = min(reading.top_k, len(index))
    answerer = Answerer(
        reader=checkpoint.reader,
        params=checkpoint.params,
        memory=memory,
        index=index,
        rounds=reading.rounds,
        slots=slots,
        retrieve=slots,
        batch_size=reading.batch_size,
        integration=reading.integration,
    )
    tokens = question_inputs(asked.column("question").to_pylist(), checkpoint.tokenizer, checkpoint.reader.config)

    def texts(answered: Answered) -> list[str]:
        return [answer_text(checkpoint.tokenizer.decode(line)) for line in answered.tokens]

    first = answerer.answer(tokens, k)
    answers = texts(first)
    examples, found = asked.to_pylist(), list[dict[str, Any]]()
    cases = _cases(config, answers, first.rows[:, :k].tolist(), entries)
    for done, (taken, some) in enumerate(cases.items()):
        numbers = [number for number, _ in some]
        then = texts(answerer.answer(tokens[numbers], k, _padded([out for _, out in some]))) if some else []
        for (number, out), now in zip(some, then, strict=True):
            found.append(_row(examples[number], taken, [entries.ids[row] for row in out], answers[number], now))
        progress.report("audit attribution", done + 1, len(cases))
    return pa.Table.from_pylist(found, schema=ATTRIBUTIONS)


def _cases(
    config: AttributionConfig, answers: Sequence[str], read: Sequence[Sequence[int]], entries: MemoryEntries
) -> dict[Taken, list[Case]]:
    """Return what is asked again, by what is taken out; ``read`` are rows of the memory, -1 where there is none."""
    accepted, rng = accepted_answers(entries.pairs), np.random.default_rng(config.seed)
    cases: dict[Taken, list[Case]] = {taken: [] for taken in NAMES}
    for number, (answer, line) in enumerate(zip(answers, read, strict=True)):
        rows = [row for row in line if row >= 0]
        for taken, out in choose(answer, rows, [accepted[entries.ids[row]] for row in rows], rng).items():
            cases[taken].append((number, out))
    return cases


def _row(example: Mapping[str, Any], taken: Taken, ids: list[str], before: str, then: str) -> dict[str, object]:
    script = data_set(example["dataset"]).script
    return {
        "example_id": example["example_id"],
        "question": example["question"],
        "taken": taken,
        "taken_ids": ids,
        "prediction": before,
        "prediction_then": then,
        "changed": normalize_answer(before) != normalize_answer(then),
        "exact_match": exact_match(before, example["answers"], script),
        "exact_match_then": exact_match(then, example["answers"], script),
    }


def _padded(sets: Sequence[tuple[int, ...]]) -> Int[np.ndarray, "E X"]:
    """Return sets of rows as lines of one array, filled up with -1."""
    widest = max(map(len, sets))
    return np.array([[*rows, *[-1] * (widest - len(rows))] for rows in sets])
