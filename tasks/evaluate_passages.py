"""Answering from passages: qa_examples, passages, what was retrieved, a reader's checkpoint -> predictions.

``retrieved_ids`` are the passages that were read, ``first_hit`` the rank of the first that holds an answer in its text.
``weights`` are the passages' probabilities by the extractive reader, and softmaxes of the retriever's scores with FiD.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from qamat_core import progress
from qamat_core.evaluation.calibration import Signals, margins
from qamat_core.evaluation.predictions import score_readings
from qamat_core.fid.examples import passage_inputs
from qamat_core.fid.reader import FidReader
from qamat_core.passages.extractive import ExtractiveReader
from qamat_core.passages.extractive_examples import span_inputs, span_text
from qamat_core.passages.occurrences import first_holding
from qamat_core.store.store import Job, Store, TableDraft, write_table
from qamat_core.training.checkpoint import load_card
from schemas.artifacts import ArtifactRef, Name
from schemas.errors import ConfigError, InputError
from schemas.fid import FidConfig
from schemas.passages import EvaluatePassagesConfig, ExtractiveConfig, FidTrainingConfig
from schemas.records import Passage
from schemas.resources import Resources
from tasks.qamat_stage import OpenCheckpoint, open_checkpoint
from tasks.reading_stage import open_readings


@dataclass(frozen=True)
class PassageReadingInputs:
    """``checkpoint`` is of FiD or of the extractive reader, ``found`` the ``retrievals`` of the questions."""

    checkpoint: ArtifactRef
    passages: ArtifactRef
    questions: ArtifactRef
    found: ArtifactRef


class Answer(NamedTuple):
    """What was answered to a question."""

    text: str
    logprob: float
    weights: list[float]
    """Of the passages."""


Answerer = Callable[[Sequence[str], Sequence[Sequence[Passage]], Sequence[Sequence[float]]], list[Answer]]
"""(questions, the passages of each, their scores) -> answers."""


def run(
    config: EvaluatePassagesConfig, inputs: PassageReadingInputs, *, name: Name, resources: Resources
) -> ArtifactRef:
    """Answer every question and return the predictions.

    Raises:
        ConfigError: ``checkpoint`` is no reader of passages.
        IncompatibleArtifactError: passages were retrieved for other questions, or from other passages.
        InputError: there is no question.
    """
    store = Store(resources.home)
    job = Job(module=__name__, config=config, inputs=vars(inputs), outputs={"predictions": ("predictions", name)})

    def build(work: Path) -> Mapping[str, TableDraft]:
        rows = _predict(store, config, inputs, work)
        return {"predictions": write_table(rows, "predictions", work, read=rows.num_rows)}

    return store.produce(job, build)["predictions"]


def _predict(store: Store, config: EvaluatePassagesConfig, inputs: PassageReadingInputs, work: Path) -> pa.Table:
    settings = _settings(store, inputs.checkpoint)
    examples = store.open_table(inputs.questions)
    if not examples.num_rows:
        raise InputError(f"{inputs.questions} holds no question: import it again")
    readings = open_readings(store, inputs.passages, examples, inputs.found, settings.reading.passages, work)
    answer = _answerer(settings, open_checkpoint(store, inputs.checkpoint), config.batch_size)
    read: list[Answer] = []
    hits: list[int | None] = []
    for start in range(0, len(readings), config.batch_size):
        rows = range(start, min(start + config.batch_size, len(readings)))
        asked, found = readings.take(rows)
        read += answer(asked, found, [readings.scores[row] for row in rows])
        for row, line in zip(rows, found, strict=True):
            texts = [passage.text for passage in line]
            hits.append(first_holding(texts, readings.answers[row], readings.scripts[row]))
        progress.report("read passages", rows.stop, len(readings))
    logprobs = np.array([one.logprob for one in read])
    nothing = np.zeros(len(read))
    signals = Signals.rounded(logprobs, _margins(readings.scores), nothing)
    return score_readings(
        examples, [one.text for one in read], readings.ids, [one.weights for one in read], hits, signals
    )


def _settings(store: Store, checkpoint: ArtifactRef) -> FidTrainingConfig | ExtractiveConfig:
    card = load_card(store.open_directory(checkpoint))
    if card.role == "fid":
        return FidTrainingConfig.model_validate(card.settings)
    if card.role == "extractive":
        return ExtractiveConfig.model_validate(card.settings)
    raise ConfigError(
        f"{checkpoint} is no reader of passages but of the role {card.role!r}: train FiD or an extractive one"
    )


def _answerer(settings: FidTrainingConfig | ExtractiveConfig, checkpoint: OpenCheckpoint, size: int) -> Answerer:
    if isinstance(settings, FidTrainingConfig):
        return partial(_generate, settings, _fid(settings, checkpoint), checkpoint, size)
    t5 = checkpoint.reader.config.t5
    return partial(_extract, settings, ExtractiveReader(t5, settings.span_length, settings.group), checkpoint, size)


def _fid(settings: FidTrainingConfig, checkpoint: OpenCheckpoint) -> FidReader:
    return FidReader(FidConfig(t5=checkpoint.reader.config.t5, **dict(settings.reading)), settings.group)


def _generate(
    settings: FidTrainingConfig,
    reader: FidReader,
    checkpoint: OpenCheckpoint,
    size: int,
    questions: Sequence[str],
    passages: Sequence[Sequence[Passage]],
    scores: Sequence[Sequence[float]],
) -> list[Answer]:
    inputs = passage_inputs(questions, passages, checkpoint.tokenizer, settings.reading)
    tokens, logprobs = reader.answer(checkpoint.params, inputs, size)
    texts = map(checkpoint.tokenizer.decode, tokens)
    return [
        Answer(text, float(logprob), _softmax(line))
        for text, logprob, line in zip(texts, logprobs, scores, strict=True)
    ]


def _extract(
    settings: ExtractiveConfig,
    reader: ExtractiveReader,
    checkpoint: OpenCheckpoint,
    size: int,
    questions: Sequence[str],
    passages: Sequence[Sequence[Passage]],
    scores: Sequence[Sequence[float]],
) -> list[Answer]:
    del scores
    best = reader.best(
        checkpoint.params, span_inputs(questions, passages, checkpoint.tokenizer, settings.reading), size
    )
    answers: list[Answer] = []
    for question, found, (passage, first, last), logprob, shares in zip(questions, passages, *best, strict=True):
        text = ""
        if passage >= 0:
            text = span_text(question, found[passage], first, last, checkpoint.tokenizer, settings.reading)
        answers.append(Answer(text, float(logprob), np.round(shares[: len(found)].astype(float), 4).tolist()))
    return answers


def _softmax(scores: Sequence[float]) -> list[float]:
    weights = np.exp(np.array(scores) - max(scores, default=0.0))
    return np.round(weights / weights.sum(), 4).tolist() if len(weights) else []


def _margins(scores: Sequence[Sequence[float]]) -> np.ndarray:
    """Return how far the best passage's score is above the second's; NaN where there are not two."""
    first_two = np.full((len(scores), 2), -np.inf)
    for line, found in zip(first_two, scores, strict=True):
        line[: len(found)] = found[:2]
    return margins(first_two)
