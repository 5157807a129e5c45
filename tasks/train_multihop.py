"""QAMAT+: two-hop qa_examples with their mined entries, an index, a checkpoint -> checkpoint.

Two rounds of retrieval; the first is supervised by the mined first-hop entry (paper sections 3.5 and 4.3).
"""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from qamat_core.qamat.batches import global_batch
from qamat_core.qamat.examples import question_examples
from qamat_core.qamat.objectives import multihop_loss
from qamat_core.store.store import Store
from qamat_core.training.loop import Trained, train
from schemas.artifacts import ArtifactRef, Name
from schemas.qamat import MultihopConfig
from schemas.resources import Resources
from tasks.qamat_stage import OpenCheckpoint, open_checkpoint, open_memory, produce_checkpoint


@dataclass(frozen=True)
class MultihopInputs:
    """``mined`` tells both hops' entries of the questions (``multihop_examples``); ``start`` searches the index."""

    start: ArtifactRef
    index: ArtifactRef
    questions: ArtifactRef
    mined: ArtifactRef


def run(config: MultihopConfig, inputs: MultihopInputs, *, name: Name, resources: Resources) -> ArtifactRef:
    """Train QAMAT+ on a data set and return the checkpoint."""
    store = Store(resources.home)

    def learn(work: Path) -> tuple[OpenCheckpoint, Trained]:
        start = open_checkpoint(store, inputs.start, config.model)
        memory, entries = open_memory(store, inputs.index, start)
        questions, mined = store.open_table(inputs.questions), store.open_table(inputs.mined)
        examples = question_examples(questions, mined, entries, start.tokenizer, start.reader.config)
        batches = partial(global_batch, examples, memory, config.training.batch_size, config.training.seed)
        return start, train(
            "multi-hop", config.training, start.params, multihop_loss(start.reader, config), batches, work
        )

    return produce_checkpoint(store, __name__, config, vars(inputs), name, learn, frozen_encoder=True)
