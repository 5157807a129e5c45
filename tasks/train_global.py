"""Stage two, global pre-training: pretrain_examples, an index, the checkpoint that made it -> checkpoint.

Keys and values of the memory stay frozen; query encoder and decoder are updated (paper section 4.2).
"""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from qamat_core.qamat.batches import global_batch
from qamat_core.qamat.objectives import global_loss
from qamat_core.store.store import Store
from qamat_core.training.loop import Trained, train
from schemas.artifacts import ArtifactRef, Name
from schemas.qamat import GlobalConfig
from schemas.resources import Resources
from tasks.qamat_examples import open_passages, pack_passages
from tasks.qamat_stage import OpenCheckpoint, open_checkpoint, open_memory, produce_checkpoint


@dataclass(frozen=True)
class GlobalInputs:
    """``start`` is the checkpoint that made the index, or one trained over it."""

    start: ArtifactRef
    index: ArtifactRef
    examples: ArtifactRef


def run(config: GlobalConfig, inputs: GlobalInputs, *, name: Name, resources: Resources) -> ArtifactRef:
    """Train the second stage and return its checkpoint."""
    store = Store(resources.home)

    def learn(work: Path) -> tuple[OpenCheckpoint, Trained]:
        shards, training = open_passages(store, inputs.examples), config.training
        start = open_checkpoint(store, inputs.start, config.model)
        memory, entries = open_memory(store, inputs.index, start)
        examples = pack_passages(
            shards,
            entries,
            start,
            work,
            example_share=config.example_share,
            question_share=config.question_share,
            ban_own=config.ban_own_entries,
            seed=training.seed,
        )
        batches = partial(global_batch, examples, memory, training.batch_size, training.seed)
        return start, train("global", training, start.params, global_loss(start.reader, config), batches, work)

    return produce_checkpoint(
        store, __name__, config, vars(inputs), name, learn, resources=resources, frozen_encoder=True
    )
