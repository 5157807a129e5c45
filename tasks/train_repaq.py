"""RePAQ's retriever: qa_examples, qa_pairs, a checkpoint -> checkpoint (``build_index`` encodes the memory with it).

Every ``refresh_every`` steps the memory is encoded anew, and the entries of all training questions are retrieved anew;
between them the encoder learns which of these answer (latent retrieval).
"""

from pathlib import Path

from qamat_core.repaq.candidates import Candidates, candidate_batch
from qamat_core.repaq.objectives import repaq_loss
from qamat_core.repaq.retrieval import Retriever
from qamat_core.store.store import Store
from qamat_core.training.loader import Batch
from qamat_core.training.loop import Trained, train
from schemas.artifacts import ArtifactRef, Name
from schemas.repaq import RepaqConfig
from schemas.resources import Resources
from tasks.qamat_stage import OpenCheckpoint, open_checkpoint, produce_checkpoint
from tasks.repaq_stage import RankingInputs, TrainingQuestions, open_training


def run(config: RepaqConfig, inputs: RankingInputs, *, name: Name, resources: Resources) -> ArtifactRef:
    """Train the retriever and return its checkpoint.

    Raises:
        TrainingError: there is no question, or none retrieves an entry that answers it.
    """
    store = Store(resources.home)

    def learn(work: Path) -> tuple[OpenCheckpoint, Trained]:
        start = open_checkpoint(store, inputs.start, config.model)
        return start, _train(config, start, open_training(store, config, inputs.memory, inputs.questions, start), work)

    return produce_checkpoint(
        store, __name__, config, vars(inputs), name, learn, resources=resources, frozen_encoder=False
    )


def _train(config: RepaqConfig, start: OpenCheckpoint, questions: TrainingQuestions, work: Path) -> Trained:
    """Train part by part; a part that a killed run had finished is known by the candidates of the next one."""
    training, every = config.training, config.refresh_every
    retriever, loss = Retriever(start.reader, config.batch_size), repaq_loss(start.reader)
    parts: list[Candidates] = []

    def batch(step: int) -> Batch:
        keys = questions.entries.key_tokens
        return candidate_batch(questions.inputs, keys, parts[step // every], training.batch_size, training.seed, step)

    trained = Trained(start.params, [])
    for first in range(0, training.steps, every):
        file, last = work / "candidates" / f"{first:08d}.npz", first + every
        parts.append(questions.candidates(retriever, trained.params, file))
        if last >= training.steps or not (file.parent / f"{last:08d}.npz").exists():
            trained = train("RePAQ", training, start.params, loss, batch, work, until=last)
    return trained
