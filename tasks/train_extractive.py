"""The extractive reader: qa_examples, passages, what was retrieved, a checkpoint -> checkpoint with a head.

It learns from the questions whose retrieved passages hold an answer, from all its occurrences at once.
"""

from pathlib import Path

import numpy as np
from jaxtyping import Int32

from qamat_core import progress
from qamat_core.passages.extractive import ExtractiveReader, extractive_loss, with_head
from qamat_core.passages.extractive_examples import answer_spans, span_inputs
from qamat_core.qamat.packing import chosen
from qamat_core.store.store import Store
from qamat_core.tokenizer import Tokenizer
from qamat_core.training.loader import Batch
from qamat_core.training.loop import Trained, train
from schemas.artifacts import ArtifactRef, Name
from schemas.errors import TrainingError
from schemas.passages import ExtractiveConfig
from schemas.resources import Resources
from tasks.qamat_stage import OpenCheckpoint, open_checkpoint, open_questions, produce_checkpoint
from tasks.reading_stage import ReadingInputs, Readings, open_readings

_TOLD_EVERY = 1000


def run(config: ExtractiveConfig, inputs: ReadingInputs, *, name: Name, resources: Resources) -> ArtifactRef:
    """Train the reader and return its checkpoint.

    Raises:
        TrainingError: there is no question, or none whose passages hold its answer.
    """
    store = Store(resources.home)

    def learn(work: Path) -> tuple[OpenCheckpoint, Trained]:
        asked = open_questions(store, inputs.questions)
        readings = open_readings(store, inputs.passages, asked, inputs.found, config.reading.passages, work)
        start = open_checkpoint(store, inputs.start, config.model)
        return start, _train(config, start, readings, work)

    return produce_checkpoint(
        store, __name__, config, vars(inputs), name, learn, resources=resources, frozen_encoder=False
    )


def _train(config: ExtractiveConfig, start: OpenCheckpoint, readings: Readings, work: Path) -> Trained:
    training, t5 = config.training, start.reader.config.t5
    spans = _spans(config, start.tokenizer, readings)
    learnable = np.flatnonzero(spans[:, 0, 0] >= 0)
    if not len(learnable):
        raise TrainingError(
            f"none of {len(readings)} questions has its answer in the {config.reading.passages} passages read: "
            "retrieve or read more passages, or give those that the questions are about"
        )

    def batch(step: int) -> Batch:
        rows = chosen(learnable, training.batch_size, training.seed, step)
        read = span_inputs(*readings.take(rows), start.tokenizer, config.reading)
        return {"inputs": read.tokens, "begins": read.begins, "spans": spans[rows]}

    reader = ExtractiveReader(t5, config.span_length, config.group)
    return train(
        "extractive reader", training, with_head(start.params, t5.d_model), extractive_loss(reader), batch, work
    )


def _spans(config: ExtractiveConfig, tokenizer: Tokenizer, readings: Readings) -> Int32[np.ndarray, "E S 3"]:
    """Return where the answers of all questions stand; -1 where they do not."""
    spans = np.full((len(readings), config.occurrences, 3), -1, np.int32)
    for row, question in enumerate(readings.questions):
        found = answer_spans(
            question,
            readings.passages(row),
            readings.answers[row],
            readings.scripts[row],
            tokenizer,
            config.reading,
            config.span_length,
        )[: config.occurrences]
        spans[row, : len(found)] = np.reshape(found, (-1, 3))
        if (row + 1) % _TOLD_EVERY == 0 or row + 1 == len(readings):
            progress.report("find answers", row + 1, len(readings))
    return spans
