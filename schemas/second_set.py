"""The second two-hop data set of Table 3, smaller than the first: what MuSiQue is beside HotpotQA (section 5.5)."""

from schemas.base import Frozen
from schemas.corpus import BuildWorldConfig
from schemas.preset_models import SecondSet, TrainingPreset
from schemas.qamat import ClosedBookConfig
from schemas.training import TrainingConfig
from schemas.world import WorldConfig

Length = tuple[int, int]
"""Steps and batch size."""


class SecondScale(Frozen):
    """The numbers in which the second set differs; a stage that is not named trains as long as on the first."""

    share: float = 0.2
    """Of the first world's entities. MuSiQue has a sixth of HotpotQA's passages, pairs and questions."""
    inbatch: Length | None = None
    global_: Length | None = None
    finetune: Length | None = None
    multihop: Length | None = None
    """Of one round too."""
    repaq: Length | None = None


def second_set(world: BuildWorldConfig, first: TrainingPreset, scale: SecondScale) -> SecondSet:
    """Return the second set of a preset: a world of another seed, and the first one's stages, shortened."""
    lengths = {
        "inbatch": scale.inbatch,
        "global_": scale.global_,
        "finetune": scale.finetune,
        "two_hop_one_round": scale.multihop,
        "multihop": scale.multihop,
        "repaq": scale.repaq,
    }
    shorter = {
        name: _with_training(getattr(first, name), shortened(getattr(first, name).training, *length))
        for name, length in lengths.items()
        if length
    }
    stages = first.model_copy(update=shorter)
    pretraining = (stages.inbatch, stages.global_, stages.finetune)
    steps = sum(stage.training.steps for stage in (*pretraining, stages.multihop))
    closed = two_hop_closed_book(first.closed_book, stages.multihop.training, steps)
    small = world.model_copy(update={"world": second_world(world.world, scale.share)})
    return SecondSet(world=small, training=stages.model_copy(update={"two_hop_closed_book": closed}))


def second_world(first: WorldConfig, share: float) -> WorldConfig:
    """Return a world of another seed with a share of the entities, facts of its own and no annotations.

    Its words are of the same syllables, so that the first world's tokenizer cuts it into as many pieces.
    """
    counts = ("persons", "cities", "countries", "companies", "books")
    fewer = {name: max(1, round(share * getattr(first, name))) for name in counts}
    return first.model_copy(
        update={**fewer, "seed": first.seed + 1, "dataset": f"{first.dataset}-b", "annotation_worlds": 0}
    )


def two_hop_closed_book(single_hop: ClosedBookConfig, questions: TrainingConfig, steps: int) -> ClosedBookConfig:
    """Return the closed-book baseline on two-hop questions: so many steps, the first tenth of them on passages.

    It goes on from that of single-hop questions, as QAMAT+ goes on from the fine-tuned QAMAT.
    """
    passages = max(1, steps // 10)
    return single_hop.model_copy(
        update={
            "passages": shortened(single_hop.passages, passages, single_hop.passages.batch_size),
            "questions": shortened(questions, steps - passages, questions.batch_size),
        }
    )


def shortened(training: TrainingConfig, steps: int, batch_size: int) -> TrainingConfig:
    """Return the same training with other steps, of which the same share warm up, and another batch."""
    optimizer = training.optimizer
    warmup = -(-optimizer.warmup_steps * steps // training.steps)
    return training.model_copy(
        update={
            "steps": steps,
            "batch_size": batch_size,
            "optimizer": optimizer.model_copy(update={"warmup_steps": warmup}),
            "log_every": min(training.log_every, max(1, steps // 20)),
        }
    )


def _with_training(stage: Frozen, training: TrainingConfig) -> Frozen:
    return stage.model_copy(update={"training": training})
