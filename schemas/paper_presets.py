"""The paper's presets, ``base`` and ``large`` (sections 4 and 5.1), and ``small``, the same on one accelerator.

What the paper does not give is a default of the configuration models, whose docstrings say so, or says so here.
"""

from typing import Any

from schemas.base import Frozen
from schemas.corpus import BuildWorldConfig, IngestConfig, MemoryConfig, NegativesConfig
from schemas.fid import Reading
from schemas.generation import (
    BatchShape,
    ExtractAnswersConfig,
    FilterOpenDomainConfig,
    FilterQuestionsConfig,
    GenerateQuestionsConfig,
    GeneratorLengths,
    TaskRows,
    TrainGeneratorConfig,
    TrainTokenizerConfig,
)
from schemas.model import T5Config
from schemas.passages import (
    DprConfig,
    ExtractiveConfig,
    FidTrainingConfig,
    MdrConfig,
    PassagesPreset,
    RetrieveHopsConfig,
    RetrievePassagesConfig,
)
from schemas.preset_models import CorpusPreset, EvaluationPreset, Preset, PresetName, TrainingPreset
from schemas.qamat import (
    ClosedBookConfig,
    EvaluationConfig,
    FinetuneConfig,
    GlobalConfig,
    InBatchConfig,
    IndexConfig,
    InitConfig,
    MultihopConfig,
    QamatConfig,
)
from schemas.repaq import RepaqConfig, RepaqEvaluationConfig, RerankerConfig
from schemas.second_set import SecondScale, second_set, two_hop_closed_book
from schemas.training import OptimizerConfig, TokenizerConfig, TrainingConfig
from schemas.world import WorldConfig


class _Scale(Frozen):
    """The numbers in which these presets differ."""

    t5: T5Config
    inbatch_size: int = 512
    """512 x (1 positive + 7 negatives) = 4,096 entries."""
    batch_size: int = 32
    """Of global pre-training; of the stages behind it not given."""
    pretraining_steps: int = 100_000
    """Of each pre-training stage."""
    finetuning_steps: int = 20_000
    """Not given."""
    shard_rows: int = 10_000
    decoded: int = 512
    """Rows of a batch of the generator."""


def base() -> Preset:
    """T5 base, as in the paper (which version of T5 is not given: 1.1); Table 2 has T5 large too."""
    own = _preset("base", _Scale(t5=_t5(768, 12, 2048, 12, remat=False)))
    return own.model_copy(update={"larger": large().training})


def large() -> Preset:
    """T5 large, as in the paper."""
    own = _preset("large", _Scale(t5=_t5(1024, 16, 2816, 24, remat=True), decoded=128))
    return own.model_copy(update={"size": "large"})


def small() -> Preset:
    """T5 small on one accelerator: an eighth of the paper's in-batch examples, a tenth of its steps."""
    scale = _Scale(
        t5=_t5(512, 6, 1024, 8, remat=False),
        inbatch_size=64,
        pretraining_steps=10_000,
        finetuning_steps=5_000,
        shard_rows=2_000,
    )
    return _preset("small", scale)


def _t5(d_model: int, heads: int, d_ff: int, layers: int, *, remat: bool) -> T5Config:
    return T5Config(
        d_model=d_model,
        num_heads=heads,
        d_ff=d_ff,
        num_encoder_layers=layers,
        num_decoder_layers=layers,
        dtype="bfloat16",
        remat=remat,
    )


def _training(steps: int, batch_size: int, rate: float) -> TrainingConfig:
    """T5X's defaults: Adafactor at a constant rate, z-loss 1e-4."""
    return TrainingConfig(
        steps=steps,
        batch_size=batch_size,
        optimizer=OptimizerConfig(name="adafactor", learning_rate=rate),
        z_loss=1e-4,
        log_every=100,
        save_every=1000,
    )


def _preset(name: PresetName, scale: _Scale) -> Preset:
    world = BuildWorldConfig(world=WorldConfig(), shard_rows=scale.shard_rows)
    stages = _stages(scale)
    return Preset(
        name=name,
        aids=(),
        world=world,
        corpus=_corpus(scale),
        training=stages,
        evaluation=_evaluation(),
        second=second_set(world, stages, SecondScale()),
    )


def _corpus(scale: _Scale) -> CorpusPreset:
    """Appendix B; beam sizes and lengths are not given (PAQ's, where it has them)."""
    rows = TaskRows(extraction=40, generation=48, comprehension=40)
    return CorpusPreset(
        ingest=IngestConfig(shard_rows=scale.shard_rows),
        tokenizer=TrainTokenizerConfig(tokenizer=TokenizerConfig(vocab_size=32_000)),
        generator=TrainGeneratorConfig(
            model=scale.t5,
            training=_training(scale.finetuning_steps, rows.total, 1e-3),
            lengths=GeneratorLengths(passage=256, question=40, answer=32),
            rows=rows,
        ),
        answers=ExtractAnswersConfig(beam_size=8, shape=BatchShape(rows=64, buckets=(160,))),
        questions=GenerateQuestionsConfig(shape=BatchShape(rows=scale.decoded, buckets=(160,), slots=64)),
        filter=FilterQuestionsConfig(shape=BatchShape(rows=scale.decoded, buckets=(192,), slots=64)),
        open_domain=FilterOpenDomainConfig(shape=BatchShape(rows=scale.decoded, buckets=(192,), slots=64)),
        memory=MemoryConfig(),
        negatives=NegativesConfig(spans_per_passage=1),
    )


def _stages(scale: _Scale) -> TrainingPreset:
    model = QamatConfig(t5=scale.t5)
    frozen: dict[str, Any] = {"model": model}
    finetuning = _training(scale.finetuning_steps, scale.batch_size, 5e-4)
    closed_book = ClosedBookConfig(
        model=model,
        passages=_training(2 * scale.pretraining_steps, scale.inbatch_size, 1e-3),  # as many steps as QAMAT's
        questions=finetuning,
    )
    return TrainingPreset(
        init=InitConfig(model=model),
        inbatch=InBatchConfig(
            **frozen,
            top_k=4,
            positives_per_example=1,
            negatives_per_example=7,
            training=_training(scale.pretraining_steps, scale.inbatch_size, 1e-3),
        ),
        index=IndexConfig(batch_size=2048, dtype="bfloat16"),
        global_=GlobalConfig(**frozen, top_k=16, training=_training(scale.pretraining_steps, scale.batch_size, 1e-3)),
        finetune=FinetuneConfig(**frozen, top_k=32, training=finetuning),
        two_hop_one_round=FinetuneConfig(**frozen, top_k=32, training=finetuning),
        multihop=MultihopConfig(**frozen, top_k=16, training=finetuning),
        closed_book=closed_book,
        two_hop_closed_book=two_hop_closed_book(closed_book, finetuning, scale.finetuning_steps),
        repaq=RepaqConfig(**frozen, training=finetuning),
        reranker=RerankerConfig(**frozen, training=finetuning),
        passages=PassagesPreset(
            encode=IndexConfig(batch_size=2048, dtype="bfloat16"),
            retrieve=RetrievePassagesConfig(),
            dpr=DprConfig(**frozen, training=_training(scale.finetuning_steps, 128, 1e-3)),  # DPR's batch
            fid=FidTrainingConfig(**frozen, training=finetuning, reading=Reading()),
            extractive=ExtractiveConfig(**frozen, training=finetuning, reading=Reading()),
            mdr=MdrConfig(**frozen, training=_training(scale.finetuning_steps, 64, 1e-3)),
            hops=RetrieveHopsConfig(),
            two_hop_fid=FidTrainingConfig(**frozen, training=finetuning, reading=Reading()),
        ),
    )


def _evaluation() -> EvaluationPreset:
    """K of table 4; table 2 reads 32."""
    return EvaluationPreset(
        single_hop=EvaluationConfig(top_k=32, ks=(1, 10, 20, 30, 32), recall_at=(1, 10, 20, 30)),
        two_hop_one_round=EvaluationConfig(top_k=32, ks=(32,), recall_at=(1, 10, 20, 30)),
        two_hop=EvaluationConfig(top_k=16, ks=(16,), recall_at=(1, 10), rounds=2),
        closed_book=EvaluationConfig(rounds=0, ks=(1,), recall_at=(1,)),
        repaq=RepaqEvaluationConfig(),
        memory_shares=(0.0, 0.08, 0.25, 0.5, 1.0),
    )
