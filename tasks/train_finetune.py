"""Fine-tuning: qa_examples with their mined entries, an index, a checkpoint -> checkpoint.

The same recipe as stage two, with ``[MASK] question`` as input (paper section 4.2).
"""

from qamat_core.qamat.objectives import global_loss
from schemas.artifacts import ArtifactRef, Name
from schemas.qamat import FinetuneConfig
from schemas.resources import Resources
from tasks.qamat_stage import QuestionStageInputs, train_on_questions


def run(config: FinetuneConfig, inputs: QuestionStageInputs, *, name: Name, resources: Resources) -> ArtifactRef:
    """Fine-tune on a data set and return the checkpoint."""
    return train_on_questions(
        "fine-tune",
        __name__,
        config,
        inputs,
        lambda reader: global_loss(reader, config, answered_only=config.answered_only),
        name=name,
        resources=resources,
    )
