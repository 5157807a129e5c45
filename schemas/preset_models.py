"""What a preset consists of: the configuration of every part of the way from text to tables."""

from collections.abc import Mapping
from typing import Final, Literal

from schemas.base import Frozen
from schemas.corpus import BuildWorldConfig, ImportDrawnConfig, IngestConfig, MemoryConfig, NegativesConfig
from schemas.generation import (
    ExtractAnswersConfig,
    FilterOpenDomainConfig,
    FilterQuestionsConfig,
    GenerateQuestionsConfig,
    TrainGeneratorConfig,
    TrainTokenizerConfig,
)
from schemas.model import NOT_SHAPE, T5Config
from schemas.passages import PassagesPreset
from schemas.qamat import (
    ClosedBookConfig,
    EvaluationConfig,
    FinetuneConfig,
    GlobalConfig,
    InBatchConfig,
    IndexConfig,
    InitConfig,
    MultihopConfig,
)
from schemas.repaq import RepaqConfig, RepaqEvaluationConfig, RerankerConfig
from schemas.training import OptimizerConfig, TrainingConfig

T5_AIDS: Final = ("a pointer head", "an encoder whose attention starts out local")
"""What a T5 of the small presets has inside; one that was made elsewhere has it not."""
PresetName = Literal["toy", "smoke", "mini", "small", "base", "large"]
ModelSize = Literal["base", "large"]
"""The two sizes of Table 2, of whatever scale: a preset says which shapes it calls so."""


class CorpusPreset(Frozen):
    """Passages to memory."""

    ingest: IngestConfig
    tokenizer: TrainTokenizerConfig
    generator: TrainGeneratorConfig
    answers: ExtractAnswersConfig
    questions: GenerateQuestionsConfig
    filter: FilterQuestionsConfig
    open_domain: FilterOpenDomainConfig
    memory: MemoryConfig
    negatives: NegativesConfig


class TrainingPreset(Frozen):
    """The stages of QAMAT and of what it is compared with."""

    init: InitConfig
    inbatch: InBatchConfig
    index: IndexConfig
    global_: GlobalConfig
    finetune: FinetuneConfig
    two_hop_one_round: FinetuneConfig
    """QAMAT on two-hop questions: one round of retrieval, twice the slots, the steps of QAMAT+. It learns from the
    data set's questions alone: composed ones did it harm on dev."""
    multihop: MultihopConfig
    closed_book: ClosedBookConfig
    repaq: RepaqConfig
    """It starts from stage one's checkpoint: one that starts from random weights retrieves nothing to learn from."""
    reranker: RerankerConfig
    """It starts from RePAQ's retriever."""
    two_hop_closed_book: ClosedBookConfig
    """It starts from ``closed_book``'s checkpoint, and has as many steps as QAMAT+ behind the fine-tuned QAMAT."""
    passages: PassagesPreset
    """Retriever and readers of passages; they start where RePAQ starts."""

    def seeded(self, seed: int) -> "TrainingPreset":
        """Return the same stages with another seed."""
        return self.everywhere("seed", seed)

    def everywhere(self, name: str, value: object) -> "TrainingPreset":
        """Return the same stages with a field set wherever it stands."""
        return self.model_validate(set_everywhere(self.model_dump(), name, value))

    def over(self, t5: T5Config) -> "TrainingPreset":
        """Return the same stages over a T5 that was made elsewhere; what is no shape stays the preset's."""
        return self.everywhere("t5", _shaped(self.init.model.t5, t5).model_dump())


class EvaluationPreset(Frozen):
    """How trained models are asked."""

    single_hop: EvaluationConfig
    two_hop_one_round: EvaluationConfig
    two_hop: EvaluationConfig
    closed_book: EvaluationConfig
    repaq: RepaqEvaluationConfig
    memory_shares: tuple[float, ...]
    """Shares of the memory of Figure 7."""
    deeper: tuple[EvaluationConfig, ...] = ()
    """More readings for Table 4, beyond the K of ``single_hop``: of more entries than the model was trained to read."""


class StudyPreset(Frozen):
    """What the tables vary."""

    example_shares: tuple[float, ...] = (0.05, 0.25, 0.5, 1.0)
    """Shares of the pre-training examples of Table 7: the paper's 1M, 5M, 10M and 20M."""
    imported: ImportDrawnConfig = ImportDrawnConfig()
    """What stands in for PAQ in Table 6."""


class SecondSet(Frozen):
    """The second two-hop data set of Table 3: what MuSiQue is beside HotpotQA."""

    world: BuildWorldConfig
    training: TrainingPreset


class Preset(Frozen):
    """All numbers of one scale."""

    name: PresetName
    size: ModelSize = "base"
    """What the tables call the models of ``training``."""
    larger: TrainingPreset | None = None
    """The same stages over a larger T5: Table 2 has rows of both sizes then."""
    aids: tuple[str, ...]
    """What the models of this preset have that the paper's have not, in words; stands in every report."""
    world: BuildWorldConfig
    corpus: CorpusPreset
    training: TrainingPreset
    evaluation: EvaluationPreset
    second: SecondSet
    study: StudyPreset = StudyPreset()

    @property
    def sizes(self) -> Mapping[ModelSize, TrainingPreset]:
        """The stages of every size there is, the preset's own first."""
        sizes: dict[ModelSize, TrainingPreset] = {self.size: self.training}
        return sizes if self.larger is None else {**sizes, "large": self.larger}

    def shape(self, size: ModelSize) -> str:
        """Say in words which T5 a size is."""
        t5 = self.sizes[size].init.model.t5
        layers = f"{t5.num_encoder_layers} + {t5.num_decoder_layers} layers"
        return f"{layers} of width {t5.d_model}, {t5.num_heads} heads, {t5.d_ff} inside"

    def over(self, t5: T5Config) -> "Preset":
        """Return the same numbers for models and generators that start from a T5 that was made elsewhere, which has
        one size.
        """
        generator = self.corpus.generator
        generator = generator.model_copy(update={"model": _shaped(generator.model, t5)})
        return self.model_copy(
            update={
                "aids": tuple(aid for aid in self.aids if aid not in T5_AIDS),
                "corpus": self.corpus.model_copy(update={"generator": generator}),
                "training": self.training.over(t5),
                "larger": None,
                "second": self.second.model_copy(update={"training": self.second.training.over(t5)}),
            }
        )


def _shaped(own: T5Config, t5: T5Config) -> T5Config:
    """Return the shape of a T5 with all else of our own."""
    return t5.model_copy(update={name: getattr(own, name) for name in NOT_SHAPE})


def set_everywhere(value: object, name: str, new: object) -> object:
    """Set every field of a name inside nested dictionaries."""
    if isinstance(value, dict):
        return {key: new if key == name else set_everywhere(part, name, new) for key, part in value.items()}
    return value


def cosine_training(steps: int, batch_size: int, learning_rate: float) -> TrainingConfig:
    """Return the training of presets that start from random weights: a cosine after a twentieth of warm-up."""
    optimizer = OptimizerConfig(
        learning_rate=learning_rate, schedule="cosine", warmup_steps=max(1, steps // 20), clip_norm=1.0
    )
    return TrainingConfig(steps=steps, batch_size=batch_size, optimizer=optimizer, log_every=max(1, steps // 20))
