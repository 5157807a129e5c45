"""QAMAT+: two-hop qa_examples with their mined entries, an index, a checkpoint -> checkpoint.

Two rounds of retrieval; the first is supervised by the mined first-hop entry (paper sections 3.5 and 4.3).
"""

from qamat_core.qamat.objectives import multihop_loss
from schemas.artifacts import ArtifactRef, Name
from schemas.qamat import MultihopConfig
from schemas.resources import Resources
from tasks.qamat_stage import QuestionStageInputs, train_on_questions


def run(config: MultihopConfig, inputs: QuestionStageInputs, *, name: Name, resources: Resources) -> ArtifactRef:
    """Train QAMAT+ on a data set and return the checkpoint."""
    return train_on_questions(
        "multi-hop",
        __name__,
        config,
        inputs,
        lambda reader: multihop_loss(reader, config),
        name=name,
        resources=resources,
    )
