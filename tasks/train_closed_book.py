"""The closed-book baseline: pretrain_examples, qa_examples, a checkpoint -> checkpoint of a plain T5.

The same T5, passages and steps as QAMAT's, without a memory: span filling on the masked passages, then answering the
training questions.
"""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from qamat_core.qamat.batches import plain_batch
from qamat_core.qamat.entries import MemoryEntries
from qamat_core.qamat.examples import QueryExamples, question_examples
from qamat_core.qamat.objectives import closed_book_loss
from qamat_core.qamat.packing import PackedExamples, pack_examples
from qamat_core.store.store import Store
from qamat_core.training.checkpoint import Params
from qamat_core.training.loop import Trained, train
from schemas.artifacts import ArtifactRef, Name
from schemas.qamat import ClosedBookConfig
from schemas.resources import Resources
from schemas.tables import MULTIHOP_EXAMPLES, QA_PAIRS
from schemas.training import TrainingConfig
from tasks.qamat_examples import open_passages, pack_passages
from tasks.qamat_stage import OpenCheckpoint, open_checkpoint, open_questions, produce_checkpoint


@dataclass(frozen=True)
class ClosedBookInputs:
    """What QAMAT starts and learns from, without the memory."""

    start: ArtifactRef
    examples: ArtifactRef
    questions: ArtifactRef


def run(config: ClosedBookConfig, inputs: ClosedBookInputs, *, name: Name, resources: Resources) -> ArtifactRef:
    """Train the baseline and return its checkpoint."""
    store = Store(resources.home)

    def learn(work: Path) -> tuple[OpenCheckpoint, Trained]:
        shards, asked = open_passages(store, inputs.examples), open_questions(store, inputs.questions)
        start = open_checkpoint(store, inputs.start, config.model)
        nothing = MemoryEntries(QA_PAIRS.empty_table(), start.tokenizer, start.reader.config)
        first, second = work / "passages", work / "questions"
        passages = pack_passages(shards, nothing, start, first, question_share=0, seed=config.passages.seed)
        filled = _train("closed-book-passages", config.passages, start, start.params, passages, first)

        def read() -> QueryExamples:
            return question_examples(asked, MULTIHOP_EXAMPLES.empty_table(), nothing, start.tokenizer, config.model)

        questions = pack_examples([read], len(asked), second / "examples", config.questions.seed)
        answered = _train("closed-book-questions", config.questions, start, filled.params, questions, second)
        later = [point | {"step": point["step"] + config.passages.steps} for point in answered.history]
        return start, Trained(answered.params, filled.history + later)

    return produce_checkpoint(
        store, __name__, config, vars(inputs), name, learn, resources=resources, frozen_encoder=False
    )


def _train(
    stage: str, training: TrainingConfig, start: OpenCheckpoint, params: Params, examples: PackedExamples, work: Path
) -> Trained:
    batches = partial(plain_batch, examples, training.batch_size, training.seed)
    return train(stage, training, params, closed_book_loss(start.reader, training.z_loss), batches, work)
