"""Fusion-in-Decoder: qa_examples, passages, what was retrieved, a checkpoint -> checkpoint.

Each passage is encoded with the question, the decoder attends to all of them. A question that retrieves no passage is
read alone.
"""

from pathlib import Path

import numpy as np

from qamat_core.fid.examples import answer_targets, passage_inputs
from qamat_core.fid.reader import FidReader, fid_loss
from qamat_core.qamat.packing import chosen
from qamat_core.store.store import Store
from qamat_core.training.loader import Batch
from qamat_core.training.loop import Trained, train
from schemas.artifacts import ArtifactRef, Name
from schemas.fid import FidConfig
from schemas.passages import FidTrainingConfig
from schemas.resources import Resources
from tasks.qamat_stage import OpenCheckpoint, open_checkpoint, open_questions, produce_checkpoint
from tasks.reading_stage import ReadingInputs, Readings, open_readings


def run(config: FidTrainingConfig, inputs: ReadingInputs, *, name: Name, resources: Resources) -> ArtifactRef:
    """Train the reader and return its checkpoint.

    Raises:
        TrainingError: there is no question.
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


def _train(config: FidTrainingConfig, start: OpenCheckpoint, readings: Readings, work: Path) -> Trained:
    training, reading = config.training, config.reading
    reader = FidReader(FidConfig(t5=start.reader.config.t5, **dict(reading)), config.group)
    targets = answer_targets([answers[0] for answers in readings.answers], start.tokenizer, reading)

    everyone = np.arange(len(readings))

    def batch(step: int) -> Batch:
        rows = chosen(everyone, training.batch_size, training.seed, step)
        inputs = passage_inputs(*readings.take(rows), start.tokenizer, reading)
        return {"inputs": inputs, "targets": targets[rows]}

    return train("FiD", training, start.params, fid_loss(reader, training.z_loss), batch, work)
