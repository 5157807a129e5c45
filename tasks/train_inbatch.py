"""Stage one, in-batch pre-training: pretrain_examples, qa_pairs, a checkpoint -> checkpoint.

Encoder, as query and as memory encoder, and decoder are all updated (paper section 4.2).
"""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from qamat_core.qamat.batches import in_batch
from qamat_core.qamat.entries import MemoryEntries
from qamat_core.qamat.objectives import in_batch_loss
from qamat_core.store.store import Store
from qamat_core.training.loop import Trained, train
from schemas.artifacts import ArtifactRef, Name
from schemas.qamat import InBatchConfig
from schemas.resources import Resources
from tasks.qamat_examples import open_passages, pack_passages
from tasks.qamat_stage import OpenCheckpoint, open_checkpoint, produce_checkpoint


@dataclass(frozen=True)
class InBatchInputs:
    """``start`` is where QAMAT starts, ``init_qamat``'s checkpoint for one."""

    start: ArtifactRef
    memory: ArtifactRef
    examples: ArtifactRef


def run(config: InBatchConfig, inputs: InBatchInputs, *, name: Name, resources: Resources) -> ArtifactRef:
    """Train the first stage and return its checkpoint."""
    store = Store(resources.home)

    def learn(work: Path) -> tuple[OpenCheckpoint, Trained]:
        shards, training = open_passages(store, inputs.examples), config.training
        start = open_checkpoint(store, inputs.start, config.model)
        entries = MemoryEntries(store.open_table(inputs.memory), start.tokenizer, start.reader.config)
        examples = pack_passages(
            shards,
            entries,
            start,
            work,
            example_share=config.example_share,
            question_share=config.question_share,
            seed=training.seed,
        )
        batches = partial(in_batch, examples, entries, config)
        return start, train("in-batch", training, start.params, in_batch_loss(start.reader, config), batches, work)

    return produce_checkpoint(
        store, __name__, config, vars(inputs), name, learn, resources=resources, frozen_encoder=False
    )
