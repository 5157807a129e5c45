"""The re-ranker of RePAQ: qa_examples, qa_pairs, a checkpoint, a retriever -> checkpoint with a head.

The entries of the training questions are retrieved once; the re-ranker learns which of them answer.
"""

from dataclasses import dataclass
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


@dataclass(frozen=True)
class RerankerInputs(RankingInputs):
    """``start`` becomes the re-ranker, ``retriever`` finds what it is to rank."""

    retriever: ArtifactRef


def run(config: RerankerConfig, inputs: RerankerInputs, *, name: Name, resources: Resources) -> ArtifactRef:
    """Train the re-ranker and return its checkpoint.

    Raises:
        TrainingError: there is no question, or none retrieves an entry that answers it.
    """
    store = Store(resources.home)

    def learn(work: Path) -> tuple[OpenCheckpoint, Trained]:
        start, training = open_checkpoint(store, inputs.start, config.model), config.training
        finder = open_checkpoint(store, inputs.retriever, config.model)
        questions = open_training(store, config, inputs.memory, inputs.questions, start)
        retriever = Retriever(finder.reader, config.batch_size)
        candidates = questions.candidates(retriever, finder.params, work / "candidates.npz")
        values = questions.entries.value_tokens
        batches = partial(candidate_batch, questions.inputs, values, candidates, training.batch_size, training.seed)
        params = with_head(start.params, config.model.t5.d_model, training.seed)
        return start, train("re-ranker", training, params, reranker_loss(start.reader), batches, work)

    return produce_checkpoint(
        store, __name__, config, vars(inputs), name, learn, resources=resources, frozen_encoder=False
    )
