"""The closed-book baseline: pretrain_examples, qa_examples, a tokenizer or checkpoint -> checkpoint of a plain T5.

The same T5, passages and steps as QAMAT's, without a memory: span filling on the masked passages, then answering the
training questions.
"""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pyarrow as pa

from qamat_core.qamat.batches import plain_batch
from qamat_core.qamat.entries import MemoryEntries
from qamat_core.qamat.examples import pretraining_examples, question_examples
from qamat_core.qamat.objectives import closed_book_loss
from qamat_core.store.store import Job, Store
from qamat_core.training.loop import Trained, train
from schemas.artifacts import ArtifactRef, Name
from schemas.qamat import ClosedBookConfig
from schemas.resources import Resources
from schemas.tables import MULTIHOP_EXAMPLES, QA_PAIRS
from tasks.qamat_stage import OpenCheckpoint, fresh, produce_checkpoint


@dataclass(frozen=True)
class ClosedBookInputs:
    """What QAMAT learns from, without the memory."""

    tokenizer: ArtifactRef
    examples: ArtifactRef
    questions: ArtifactRef


def run(config: ClosedBookConfig, inputs: ClosedBookInputs, *, name: Name, resources: Resources) -> ArtifactRef:
    """Train the baseline and return its checkpoint."""
    store = Store(resources.home)
    job = Job(module=__name__, config=config, inputs=vars(inputs), outputs={"checkpoint": ("checkpoint", name)})
    return produce_checkpoint(
        store,
        job,
        config,
        begin=lambda: fresh(store, inputs.tokenizer, config.model, config.passages.seed),
        learn=lambda start, work: _learn(store, config, inputs, start, work),
        frozen_encoder=False,
    )


def _learn(
    store: Store, config: ClosedBookConfig, inputs: ClosedBookInputs, start: OpenCheckpoint, work: Path
) -> Trained:
    tokenizer, model = start.tokenizer, start.reader.config
    none = MemoryEntries.of(_empty(QA_PAIRS), tokenizer, model)
    passages = pretraining_examples(store.open_table(inputs.examples), none, tokenizer, model)
    questions = question_examples(store.open_table(inputs.questions), _empty(MULTIHOP_EXAMPLES), none, tokenizer, model)
    loss_fn = closed_book_loss(start.reader, config.questions.z_loss)
    params, first = start.params, []
    for stage, training, examples in (
        ("closed-book-passages", config.passages, passages),
        ("closed-book-questions", config.questions, questions),
    ):
        batches = partial(plain_batch, examples, training.batch_size, training.seed)
        params, history = train(stage, training, params, loss_fn, batches, work / stage)
        first += history
    return Trained(params, first)


def _empty(schema: pa.Schema) -> pa.Table:
    return schema.empty_table()
