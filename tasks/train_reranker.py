"""The re-ranker of RePAQ: qa_examples, qa_pairs, the retriever's checkpoint -> checkpoint with a head.

The retriever finds the entries of the training questions once; it becomes the re-ranker by learning which of them
answer when entry and question are read together.
"""

from functools import partial
from pathlib import Path

from qamat_core.repaq.candidates import candidate_batch
from qamat_core.repaq.objectives import reranker_loss
from qamat_core.repaq.reranker import with_head
from qamat_core.repaq.retrieval import Retriever
from qamat_core.store.store import Store
from qamat_core.training.loop import Trained, train
from schemas.artifacts import ArtifactRef, Name
from schemas.repaq import RerankerConfig
from schemas.resources import Resources
from tasks.qamat_stage import OpenCheckpoint, open_checkpoint, produce_checkpoint
from tasks.repaq_stage import RankingInputs, open_training


def run(config: RerankerConfig, inputs: RankingInputs, *, name: Name, resources: Resources) -> ArtifactRef:
    """Train the re-ranker and return its checkpoint; ``start`` is RePAQ's retriever.

    Raises:
        TrainingError: there is no question, or none retrieves an entry that answers it.
    """
    store = Store(resources.home)

    def learn(work: Path) -> tuple[OpenCheckpoint, Trained]:
        start, training = open_checkpoint(store, inputs.start, config.model), config.training
        questions = open_training(store, config, inputs.memory, inputs.questions, start)
        retriever = Retriever(start.reader, config.batch_size)
        candidates = questions.candidates(retriever, start.params, work / "candidates.npz")
        values = questions.entries.value_tokens
        batches = partial(candidate_batch, questions.inputs, values, candidates, training.batch_size, training.seed)
        loss = reranker_loss(start.reader, config.retriever_weight)
        params = with_head(start.params, config.model.t5.d_model)
        return start, train("re-ranker", training, params, loss, batches, work)

    return produce_checkpoint(
        store, __name__, config, vars(inputs), name, learn, resources=resources, frozen_encoder=False
    )
