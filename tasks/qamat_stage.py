"""What the training tasks of QAMAT share: opening what they start from, committing what they made."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from qamat_core.qamat.batches import global_batch
from qamat_core.qamat.entries import MemoryEntries
from qamat_core.qamat.examples import QueryExamples, question_examples, with_share
from qamat_core.qamat.index import IndexCard, check_encoder, load_index
from qamat_core.qamat.packing import pack_examples
from qamat_core.qamat.reader import Reader
from qamat_core.qamat.search import FrozenMemory, place_memory
from qamat_core.store.following import follows
from qamat_core.store.store import DirectoryDraft, Job, Store
from qamat_core.tokenizer import Tokenizer
from qamat_core.training.checkpoint import CheckpointCard, Params, load_card, load_params, save_checkpoint
from qamat_core.training.loop import Trained, train
from qamat_core.training.mesh import current_mesh, use_mesh
from qamat_core.training.metrics import tensorboard
from qamat_core.training.partitioning import check_divisible
from qamat_core.training.processes import meet
from qamat_core.training.step import LossFn
from schemas.artifacts import ArtifactRef, Digest, Name
from schemas.base import Frozen
from schemas.datasets import data_set
from schemas.errors import ConfigError, IncompatibleArtifactError, TrainingError
from schemas.model import NOT_SHAPE
from schemas.qamat import FinetuneConfig, QamatConfig
from schemas.resources import Resources

NOBODY: Digest = "0" * 64
"""The encoder of a memory that does not exist yet."""


@dataclass(frozen=True)
class OpenCheckpoint:
    """A QAMAT checkpoint in memory."""

    reader: Reader
    params: Params
    tokenizer: Tokenizer
    tokenizer_ref: ArtifactRef
    encoder: Digest
    """Content of the checkpoint whose encoder makes the memory that it searches."""


def open_checkpoint(store: Store, ref: ArtifactRef, config: QamatConfig | None = None) -> OpenCheckpoint:
    """Open a checkpoint; ``config`` may change lengths, integration and the type of activations, never the T5.

    The rows of its embedding stay as they are: a public T5 has more than its tokenizer has ids, padded or not.

    Raises:
        IncompatibleArtifactError: the configuration asks for another T5 than the checkpoint's.
        ConfigError: the mesh divides the parameters unevenly.
    """
    directory = store.open_directory(ref)
    card = load_card(directory)
    tokenizer = Tokenizer.load(store.open_directory(card.tokenizer))
    settings = config or QamatConfig.model_validate(card.settings["model"])
    t5 = settings.t5.model_copy(update={"vocab_size": card.model.vocab_size})
    own = card.model
    different = [name for name, value in t5 if value != getattr(own, name) and name not in NOT_SHAPE]
    if different:
        values = ", ".join(f"{name} {getattr(own, name)}, not {getattr(t5, name)}" for name in different)
        raise IncompatibleArtifactError(
            f"{ref} has another T5 than the configuration ({values}): give the preset it was made with"
        )
    params = load_params(directory)
    check_divisible(params, t5.num_heads, current_mesh())
    reader = Reader(settings.model_copy(update={"t5": t5}), tokenizer.sentinel(0))
    return OpenCheckpoint(reader, params, tokenizer, card.tokenizer, card.memory_encoder or ref.content)


def open_index(store: Store, index: ArtifactRef, checkpoint: OpenCheckpoint) -> tuple[FrozenMemory, IndexCard]:
    """Open an index that a checkpoint is to search; its arrays are memory-mapped.

    Raises:
        IncompatibleArtifactError: another encoder or tokenizer made the index.
    """
    arrays, card = load_index(store.open_directory(index), store.open_directory)
    check_encoder(card, checkpoint.encoder, checkpoint.tokenizer.fingerprint)
    return arrays, card


def open_memory(store: Store, index: ArtifactRef, checkpoint: OpenCheckpoint) -> tuple[FrozenMemory, MemoryEntries]:
    """Open an index on the device with the entries of its memory.

    Raises:
        IncompatibleArtifactError: another encoder or tokenizer made the index.
    """
    arrays, card = open_index(store, index, checkpoint)
    pairs = store.open_table(card.memory)
    entries = MemoryEntries(pairs, checkpoint.tokenizer, checkpoint.reader.config)
    return place_memory(arrays, current_mesh()), entries


def open_questions(store: Store, questions: ArtifactRef) -> pa.Table:
    """Return a ``qa_examples`` table that is trained on.

    Raises:
        TrainingError: it is empty, or its answers are regular expressions.
    """
    table = store.open_table(questions)
    if not table.num_rows:
        raise TrainingError(f"{questions} holds no training question: import it again")
    if any(data_set(name).script == "patterns" for name in table.column("dataset").unique().to_pylist()):
        raise TrainingError(f"{questions}: its answers are regular expressions, no texts to learn: only evaluate on it")
    return table


def answered(questions: pa.Table, mined: pa.Table) -> pa.Table:
    """Return the questions for which an entry was mined.

    Raises:
        TrainingError: for none.
    """
    kept = questions.filter(pc.field("example_id").isin(mined.column("example_id").combine_chunks()))
    if not kept.num_rows:
        raise TrainingError("the memory answers none of the training questions: set answered_only to false")
    return kept


@dataclass(frozen=True)
class QuestionStageInputs:
    """What fine-tuning and QAMAT+ read: ``start`` searches the index.

    ``mined`` tells the entries that answer the questions (``multihop_examples``), ``own_mined`` those of the memory's
    own questions; the latter two are None where ``own_share`` is 0.
    """

    start: ArtifactRef
    index: ArtifactRef
    questions: ArtifactRef
    mined: ArtifactRef
    own_questions: ArtifactRef | None = None
    own_mined: ArtifactRef | None = None

    def refs(self) -> dict[str, ArtifactRef]:
        """Return what is given, by label."""
        return {label: ref for label, ref in vars(self).items() if ref is not None}


def train_on_questions(
    stage: str,
    module: str,
    config: FinetuneConfig,
    inputs: QuestionStageInputs,
    loss: Callable[[Reader], LossFn],
    *,
    name: Name,
    resources: Resources,
) -> ArtifactRef:
    """Run a stage over a frozen memory that learns from questions, and return its checkpoint.

    Raises:
        ConfigError: ``own_share`` is above 0 and the memory's own questions are not given, or the other way about.
    """
    if (config.own_share > 0) != (inputs.own_questions is not None and inputs.own_mined is not None):
        raise ConfigError(f"own_share is {config.own_share:g}: give the memory's own questions if it is above 0")
    store, training = Store(resources.home), config.training

    def learn(work: Path) -> tuple[OpenCheckpoint, Trained]:
        questions, mined = open_questions(store, inputs.questions), store.open_table(inputs.mined)
        asked = (answered(questions, mined) if config.answered_only else questions), mined
        own = None
        if inputs.own_questions and inputs.own_mined:
            own = store.open_table(inputs.own_questions), store.open_table(inputs.own_mined)
            if not len(own[0]):
                raise TrainingError(f"{inputs.own_questions} is empty, the memory gives no such question: own_share 0")
        start = open_checkpoint(store, inputs.start, config.model)
        memory, entries = open_memory(store, inputs.index, start)

        def read() -> QueryExamples:
            shape = start.tokenizer, start.reader.config
            examples = question_examples(*asked, entries, *shape, ban_own=config.ban_own_entries)
            if own is None:
                return examples
            more = question_examples(*own, entries, *shape, ban_own=config.ban_own_entries)
            return with_share(examples, more, config.own_share, training.seed)

        rows = round(len(asked[0]) / (1 - config.own_share))
        examples = pack_examples([read], rows, work / "examples", training.seed)
        batches = partial(global_batch, examples, memory, training.batch_size, training.seed)
        return start, train(stage, training, start.params, loss(start.reader), batches, work)

    return produce_checkpoint(
        store, module, config, inputs.refs(), name, learn, resources=resources, frozen_encoder=True
    )


def produce_checkpoint(
    store: Store,
    module: str,
    config: Frozen,
    inputs: Mapping[str, ArtifactRef],
    name: Name,
    learn: Callable[[Path], tuple[OpenCheckpoint, Trained]],
    *,
    resources: Resources,
    frozen_encoder: bool,
) -> ArtifactRef:
    """Run a stage unless its checkpoint is registered, and return its checkpoint.

    Args:
        store: where artifacts live.
        module: the stage's task, which names the role: ``tasks.train_closed_book`` makes a "closed-book".
        config: of the stage; goes onto the card.
        inputs: what the stage reads.
        name: of the checkpoint.
        learn: gets a work directory; returns what the stage started from and what it became. Runs on the mesh.
        resources: the mesh.
        frozen_encoder: the memory stays encoded by what the stage started from.
    """
    job = Job(module=module, config=config, inputs=inputs, outputs={"checkpoint": ("checkpoint", name)})

    def build(work: Path) -> Mapping[str, DirectoryDraft]:
        with use_mesh(resources.mesh), tensorboard(store.home, name, job.keys()["checkpoint"]):
            start, trained = learn(work)
        meet()
        if follows():
            return {}
        card = CheckpointCard(
            role=module.rpartition(".")[2].removeprefix("train_").replace("_", "-"),
            model=start.reader.config.t5,
            tokenizer=start.tokenizer_ref,
            settings=config.model_dump(mode="json"),
            memory_encoder=start.encoder if frozen_encoder else None,
        )
        save_checkpoint(work / "checkpoint", trained.params, card, trained.history)
        notes = {name: round(value, 6) for name, value in trained.history[-1].items() if name != "step"}
        return {"checkpoint": DirectoryDraft(work / "checkpoint", notes=notes)}

    return store.produce(job, build, together=True)["checkpoint"]
