"""What a preset consists of: the configuration of every part of the way from text to tables."""

from typing import Literal

from schemas.base import Frozen
from schemas.corpus import BuildWorldConfig, IngestConfig, MemoryConfig, NegativesConfig
from schemas.generation import (
    ExtractAnswersConfig,
    FilterOpenDomainConfig,
    FilterQuestionsConfig,
    GenerateQuestionsConfig,
    TrainGeneratorConfig,
    TrainTokenizerConfig,
)
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

PresetName = Literal["toy", "smoke", "mini"]


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

    def seeded(self, seed: int) -> "TrainingPreset":
        """Return the same stages with another seed."""
        return self.model_validate(_with_seed(self.model_dump(), seed))


class EvaluationPreset(Frozen):
    """How trained models are asked."""

    single_hop: EvaluationConfig
    two_hop_one_round: EvaluationConfig
    two_hop: EvaluationConfig
    closed_book: EvaluationConfig
    memory_shares: tuple[float, ...]
    """Shares of the memory of Figure 7."""


class Preset(Frozen):
    """All numbers of one scale."""

    name: PresetName
    aids: tuple[str, ...]
    """What the models of this preset have that the paper's have not, in words; stands in every report."""
    world: BuildWorldConfig
    corpus: CorpusPreset
    training: TrainingPreset
    evaluation: EvaluationPreset


def _with_seed(value: object, seed: int) -> object:
    """Set every ``seed`` inside nested dictionaries."""
    if isinstance(value, dict):
        return {key: seed if key == "seed" else _with_seed(part, seed) for key, part in value.items()}
    return value
