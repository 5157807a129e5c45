"""Configuration of memories that people wrote."""

from typing import Literal

from pydantic import Field

from schemas.base import Frozen
from schemas.corpus import IngestConfig, MultihopConfig
from schemas.generation import TrainTokenizerConfig
from schemas.preset_models import set_everywhere
from schemas.qamat import EvaluationConfig, FinetuneConfig, InBatchConfig, IndexConfig, InitConfig, WordsConfig
from schemas.repaq import RepaqEvaluationConfig

HumanScale = Literal["toy", "minutes", "hour", "gpu"]


class GatherConfig(Frozen):
    """How pairs of several sources become one memory: one a normalised question."""

    shard_rows: int = Field(default=16384, ge=1)


class QuestionExamplesConfig(Frozen):
    """How pre-training examples are made of a memory without passages: a question asks for pairs with its answer."""

    neighbours: int = Field(default=32, ge=1)
    """Pairs that BM25 finds nearest to a question, other than the question itself."""
    positives_per_pair: int = Field(default=4, ge=1)
    """At most so many of them with its answer, each the positive of an example."""
    negatives_per_example: int = Field(default=7, ge=0)
    """At most so many of them with another answer, hardest first."""
    k1: float = Field(default=0.9, ge=0)
    b: float = Field(default=0.4, ge=0, le=1)


class HumanStages(Frozen):
    """The stages of QAMAT over a memory that people wrote. There are no passages, so no global stage: fine-tuning is
    the same recipe with questions as inputs."""

    init: InitConfig
    words: WordsConfig
    inbatch: InBatchConfig
    index: IndexConfig
    finetune: FinetuneConfig

    def seeded(self, seed: int) -> "HumanStages":
        """Return the same stages with another seed."""
        return self.model_validate(set_everywhere(self.model_dump(), "seed", seed))


class HumanPreset(Frozen):
    """All numbers of one scale."""

    name: HumanScale
    aids: tuple[str, ...]
    """What the models have that the paper's have not, in words."""
    ingest: IngestConfig
    gather: GatherConfig
    tokenizer: TrainTokenizerConfig
    examples: QuestionExamplesConfig
    mining: MultihopConfig
    """Which entry answers a training question: never its own pair."""
    stages: HumanStages
    reading: EvaluationConfig
    nearest: RepaqEvaluationConfig
    """How the nearest entry is found, which answers where nothing is read."""
