"""Warm-up: annotations, the passages that they stand in, a tokenizer -> checkpoint that reads memory slots.

An aid of the small presets, which start from random weights where the paper starts from T5: the model learns to find
the pair that answers an input among given pairs and to copy its answer. It learns no retrieval here.
"""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from qamat_core.qamat.batches import reading_batch
from qamat_core.qamat.objectives import reading_loss
from qamat_core.qamat.reading import reading_examples
from qamat_core.store.store import Store
from qamat_core.training.loop import Trained, train
from schemas.artifacts import ArtifactRef, Name
from schemas.qamat import WarmupConfig
from schemas.resources import Resources
from tasks.qamat_stage import OpenCheckpoint, fresh, produce_checkpoint


@dataclass(frozen=True)
class WarmupInputs:
    """What the warm-up reads."""

    tokenizer: ArtifactRef
    passages: ArtifactRef
    annotations: ArtifactRef


def run(config: WarmupConfig, inputs: WarmupInputs, *, name: Name, resources: Resources) -> ArtifactRef:
    """Train from random weights and return the checkpoint."""
    store = Store(resources.home)

    def learn(work: Path) -> tuple[OpenCheckpoint, Trained]:
        start = fresh(store, inputs.tokenizer, config.model, config.training.seed)
        examples = reading_examples(
            store.open_table(inputs.passages),
            store.open_table(inputs.annotations),
            start.tokenizer,
            start.reader.config,
            config.question_share,
            np.random.default_rng(config.training.seed),
        )
        batches = partial(reading_batch, examples, config.top_k, config.training.batch_size, config.training.seed)
        return start, train("warm-up", config.training, start.params, reading_loss(start.reader, config), batches, work)

    return produce_checkpoint(store, __name__, config, vars(inputs), name, learn, frozen_encoder=False)
