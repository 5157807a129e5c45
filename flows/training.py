"""Training QAMAT, stage by stage: what the flows of one model and of the whole study share."""

from pathlib import Path
from typing import Literal

from flows import steps
from schemas.artifacts import ArtifactRef, Memory, Name, Pretrained
from schemas.corpus import ComposeConfig
from schemas.corpus import MultihopConfig as MiningConfig
from schemas.order_forms import PublicT5
from schemas.preset_models import TrainingPreset
from schemas.qamat import FinetuneConfig, GlobalConfig
from schemas.resources import Resources
from tasks.build_index import IndexInputs
from tasks.compose_questions import ComposedRefs
from tasks.external_t5 import T5Source
from tasks.mine_multihop import MultihopInputs as MiningInputs
from tasks.qamat_stage import QuestionStageInputs
from tasks.train_global import GlobalInputs
from tasks.train_inbatch import InBatchInputs

Hops = Literal[1, 2]


def source_of(order: PublicT5) -> T5Source:
    """Return where a T5 lies that an order names."""
    return T5Source(order.source, order.revision, Path(order.tokenizer) if order.tokenizer is not None else None)


def train_inbatch(
    config: TrainingPreset, start: ArtifactRef, memory: Memory, *, name: Name, resources: Resources
) -> Pretrained:
    """Train stage one from an initial checkpoint, and encode the memory with what came of it."""
    inputs = InBatchInputs(start=start, memory=memory.qa_pairs, examples=memory.examples)
    checkpoint = steps.train_inbatch(config.inbatch, inputs, name=f"{name}-inbatch", resources=resources)
    return with_index(config, checkpoint, memory, name=f"{name}-inbatch", resources=resources)


def initialise(config: TrainingPreset, tokenizer: ArtifactRef, *, name: Name, resources: Resources) -> ArtifactRef:
    """Return the checkpoint that a model starts from."""
    return steps.init_qamat(config.init, tokenizer, name=f"{name}-init", resources=resources)


def with_index(
    config: TrainingPreset, checkpoint: ArtifactRef, memory: Memory, *, name: Name, resources: Resources
) -> Pretrained:
    """Encode a memory with a checkpoint."""
    index = steps.build_index(config.index, IndexInputs(memory.qa_pairs, checkpoint), name=name, resources=resources)
    return Pretrained(checkpoint=checkpoint, index=index)


def train_global(
    config: GlobalConfig, start: Pretrained, memory: Memory, *, name: Name, resources: Resources
) -> Pretrained:
    """Train stage two over the frozen memory."""
    inputs = GlobalInputs(start=start.checkpoint, index=start.index, examples=memory.examples)
    checkpoint = steps.train_global(config, inputs, name=f"{name}-global", resources=resources)
    return Pretrained(checkpoint=checkpoint, index=start.index)


def finetune(
    config: FinetuneConfig,
    start: Pretrained,
    memory: Memory,
    questions: ArtifactRef,
    *,
    hops: Hops = 1,
    name: Name,
    resources: Resources,
) -> Pretrained:
    """Fine-tune on questions of so many hops, for which the entries that answer them are mined first."""
    inputs = stage_inputs(config, start, memory, questions, hops, resources=resources)
    checkpoint = steps.train_finetune(config, inputs, name=f"{name}-finetune", resources=resources)
    return Pretrained(checkpoint=checkpoint, index=start.index)


def train_multihop(
    config: TrainingPreset,
    start: Pretrained,
    memory: Memory,
    questions: ArtifactRef,
    *,
    name: Name,
    resources: Resources,
) -> Pretrained:
    """Train QAMAT+ on two-hop questions, for which both entries are mined first."""
    inputs = stage_inputs(config.multihop, start, memory, questions, 2, resources=resources)
    checkpoint = steps.train_multihop(config.multihop, inputs, name=f"{name}-multihop", resources=resources)
    return Pretrained(checkpoint=checkpoint, index=start.index)


def stage_inputs(
    config: FinetuneConfig,
    start: Pretrained,
    memory: Memory,
    questions: ArtifactRef,
    hops: Hops,
    *,
    resources: Resources,
) -> QuestionStageInputs:
    """Mine the entries that answer the questions, and make questions of the memory itself if the stage has a share."""
    mined = mine(questions, memory, hops, resources=resources)
    own = compose(memory, hops, resources=resources) if config.own_share else None
    return QuestionStageInputs(
        start=start.checkpoint,
        index=start.index,
        questions=questions,
        mined=mined,
        own_questions=own and own.qa_examples,
        own_mined=own and own.multihop_examples,
    )


def mine(questions: ArtifactRef, memory: Memory, hops: Hops, *, resources: Resources) -> ArtifactRef:
    """Mine the memory's entries that answer questions of so many hops."""
    config = MiningConfig(hops=hops)
    name = f"{questions.name}-over-{memory.qa_pairs.name}"[:55]
    refs = steps.mine_multihop(config, MiningInputs(questions, memory.qa_pairs), name=name, resources=resources)
    return refs.multihop_examples


def compose(memory: Memory, hops: Hops, *, resources: Resources) -> ComposedRefs:
    """Make questions of so many hops of the memory itself."""
    name = f"{memory.qa_pairs.name[:47]}-{'own' if hops == 1 else 'composed'}"
    return steps.compose_questions(ComposeConfig(hops=hops), memory.qa_pairs, name=name, resources=resources)
