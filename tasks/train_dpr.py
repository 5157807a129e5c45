"""The dense retriever of passages: qa_examples, passages, what BM25 retrieves, a checkpoint -> checkpoint.

A question's positive is the best passage by BM25 that holds its answer, its hard negative the best that does not; one
encoder learns both sides from all passages of a batch (``encode_passages`` encodes all passages with it).
"""

from pathlib import Path

import numpy as np

from qamat_core.passages.dual_encoder import dpr_batch, dpr_loss, judge, passage_tokens
from qamat_core.qamat.examples import question_inputs
from qamat_core.qamat.packing import chosen
from qamat_core.store.store import Store
from qamat_core.training.loader import Batch
from qamat_core.training.loop import Trained, train
from schemas.artifacts import ArtifactRef, Name
from schemas.passages import DprConfig
from schemas.resources import Resources
from tasks.qamat_stage import OpenCheckpoint, open_checkpoint, open_questions, produce_checkpoint
from tasks.reading_stage import ReadingInputs, Readings, open_readings

_CANDIDATES = 100
"""Passages by BM25 that positives and hard negatives are from at most."""


def run(config: DprConfig, inputs: ReadingInputs, *, name: Name, resources: Resources) -> ArtifactRef:
    """Train the retriever and return its checkpoint.

    Raises:
        TrainingError: there is no question, or none retrieves a passage that holds its answer.
    """
    store = Store(resources.home)

    def learn(work: Path) -> tuple[OpenCheckpoint, Trained]:
        asked = open_questions(store, inputs.questions)
        readings = open_readings(store, inputs.passages, asked, inputs.found, _CANDIDATES, work)
        start = open_checkpoint(store, inputs.start, config.model)
        return start, _train(config, start, readings, work)

    return produce_checkpoint(
        store, __name__, config, vars(inputs), name, learn, resources=resources, frozen_encoder=False
    )


def _train(config: DprConfig, start: OpenCheckpoint, readings: Readings, work: Path) -> Trained:
    training = config.training
    texts = [[passage.text for passage in readings.passages(row)] for row in range(len(readings))]
    judged = judge(texts, readings.answers, readings.scripts)
    learnable = judged.learnable()
    queries = question_inputs(readings.questions, start.tokenizer, start.reader.config)

    def batch(step: int) -> Batch:
        rows = chosen(learnable, training.batch_size, training.seed, step)
        right = judged.positives[rows]
        wrong = np.where(judged.negatives[rows] < 0, right, judged.negatives[rows])
        _, found = readings.take(rows)
        passages = [line[rank] for ranks in (right, wrong) for line, rank in zip(found, ranks, strict=True)]
        tokens = passage_tokens(passages, start.tokenizer, config.passage_length)
        return dpr_batch(queries[rows], tokens, [passage.passage_id for passage in passages])

    return train("DPR", training, start.params, dpr_loss(start.reader), batch, work)
