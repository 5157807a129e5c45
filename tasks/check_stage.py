"""Refusing a stage before anything long begins, with the words that it would have once it came to it.

Weights are drawn, and a large memory is mined for a data set's questions, before a stage opens what it learns from: a
mesh that does not fit, a damaged file, an index of another tokenizer and a table without rows are told first.
"""

from collections.abc import Iterable

from qamat_core.store.store import Store
from qamat_core.training.mesh import check_rows, make_mesh, use_mesh
from qamat_core.training.partitioning import check_heads
from schemas.artifacts import ArtifactRef, Memory, Pretrained
from schemas.qamat import FinetuneConfig, InBatchConfig, StageConfig
from schemas.resources import Resources
from tasks.qamat_examples import open_passages
from tasks.qamat_stage import open_checkpoint, open_index, open_questions


def check_mesh(stages: Iterable[StageConfig], resources: Resources) -> None:
    """Refuse a mesh that a stage cannot be trained on, as far as numbers tell.

    Raises:
        ConfigError: it divides attention heads or a batch unevenly, or wants more devices than there are.
    """
    shapes = [(stage.model.t5.num_heads, stage.training.batch_size) for stage in stages]
    for heads, _ in shapes:
        check_heads(heads, resources.mesh.model)
    mesh = make_mesh(resources.mesh)
    for _, rows in shapes:
        check_rows(rows, mesh)


def check_in_batch_stage(
    config: InBatchConfig, start: ArtifactRef | None, memory: Memory, *, resources: Resources
) -> None:
    """Open what in-batch pre-training learns from, and what it starts from unless that is yet to be drawn.

    Raises:
        TrainingError: there is no example.
        CorruptArtifactError: a file is not what was registered.
        IncompatibleArtifactError: the checkpoint has another T5.
        ConfigError: the mesh divides the parameters unevenly.
    """
    store = Store(resources.home)
    if start is not None:
        with use_mesh(resources.mesh):
            open_checkpoint(store, start, config.model)
    open_passages(store, memory.examples)
    store.open_shards(memory.qa_pairs)


def check_question_stage(
    config: FinetuneConfig, start: Pretrained, questions: ArtifactRef, *, resources: Resources
) -> None:
    """Open what fine-tuning or QAMAT+ starts from, and let it go again.

    Raises:
        TrainingError: there is no question.
        CorruptArtifactError: a file is not what was registered.
        IncompatibleArtifactError: the checkpoint has another T5, or the index another encoder or tokenizer.
        ConfigError: the mesh divides the parameters unevenly.
    """
    store = Store(resources.home)
    open_questions(store, questions)
    with use_mesh(resources.mesh):
        checkpoint = open_checkpoint(store, start.checkpoint, config.model)
    open_index(store, start.index, checkpoint)
