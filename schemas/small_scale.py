"""What the small presets are built of: the numbers in which they differ, and all that they have in common."""

from typing import Any, Final

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
    PassageRow,
    PassagesPreset,
    RetrieveHopsConfig,
    RetrievePassagesConfig,
)
from schemas.preset_models import (
    T5_AIDS,
    CorpusPreset,
    EvaluationPreset,
    Preset,
    PresetName,
    StudyPreset,
    TrainingPreset,
    cosine_training,
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
    QamatConfig,
)
from schemas.repaq import RepaqConfig, RepaqEvaluationConfig, RerankerConfig
from schemas.second_set import SecondScale, second_set, two_hop_closed_book
from schemas.training import TokenizerConfig
from schemas.world import WorldConfig


def _t5(d_model: int, heads: int, locality: tuple[float, ...]) -> T5Config:
    """Return a small T5 1.1; its vocabulary is fitted to the tokenizer."""
    return T5Config(
        d_model=d_model,
        num_heads=heads,
        head_dim=d_model // heads,
        d_ff=2 * d_model,
        num_encoder_layers=2,
        num_decoder_layers=1,
        tie_embeddings=True,
        pointer_head=True,
        locality_start=locality,
    )


AIDS: Final = (
    *T5_AIDS,
    "a contrastive term on known positives in every stage",
    "retrieved entries, and passages, marked with their rank",
    "inner products divided by the root of the width",
    "the memory's own questions among the inputs of pre-training and, composed for two hops, of fine-tuning and QAMAT+ "
    "(not of one-round QAMAT on two hops, which they harmed on dev)",
    "no neural integration after stage one",
    "the retriever's score added to that of RePAQ's re-ranker",
)
"""What models need that start from random weights (docs/decisions/0004)."""


class Scale(Frozen):
    """The numbers in which the small presets differ."""

    world: WorldConfig
    shard_rows: int
    d_model: int
    locality: tuple[float, ...]
    """Slopes of the locality start, one an attention head."""
    pieces: int
    generator_steps: int
    generator_rate: float = 3e-3
    """Learning rate."""
    generator_rows: TaskRows
    beam: int
    question_share: float = 1 / 3
    own_share: float = 1 / 2
    inbatch: tuple[int, int, float]
    """Steps, batch size, learning rate; so are the other stages."""
    global_: tuple[int, int, float]
    finetune: tuple[int, int, float]
    multihop: tuple[int, int, float]
    closed_passages: tuple[int, int, float]
    closed_questions: tuple[int, float]
    """Batch size, learning rate; its steps are those that QAMAT's stages have beyond ``closed_passages``."""
    repaq: tuple[int, int, float]
    reranker: tuple[int, int, float]
    candidates: tuple[int, int]
    """Entries that RePAQ and its re-ranker learn to rank."""
    passage_rows: tuple[PassageRow, ...]
    passages: int
    """Read of each question."""
    dpr: tuple[int, int, float]
    fid: tuple[int, int, float]
    extractive: tuple[int, int, float]
    two_hop_passages: bool = True
    """Whether Table 3 has a row that reads passages."""
    mdr: tuple[int, int, float]
    two_hop_fid: tuple[int, int, float]
    slots: int
    hop_slots: int
    larger: tuple[int, tuple[float, ...]] | None = None
    """``d_model`` and ``locality`` of the larger size of Table 2; None for one size alone."""
    deeper: tuple[int, ...] = ()
    """K of Table 4 beyond ``slots``."""
    deeper_questions: int | None = None
    """Questions, a sample, that are asked with these; None for all."""
    example_shares: tuple[float, ...]
    second: SecondScale


def small(name: PresetName, scale: Scale) -> Preset:
    """Return the preset of these numbers."""
    t5 = _t5(scale.d_model, len(scale.locality), scale.locality)
    world = BuildWorldConfig(world=scale.world, shard_rows=scale.shard_rows)
    stages = _stages(scale, t5)
    return Preset(
        name=name,
        larger=scale.larger and _stages(scale, _t5(scale.larger[0], len(scale.larger[1]), scale.larger[1])),
        aids=AIDS,
        world=world,
        corpus=_corpus(scale, t5),
        training=stages,
        evaluation=_evaluation(scale),
        study=StudyPreset(example_shares=scale.example_shares),
        second=second_set(world, stages, scale.second),
    )


def _corpus(scale: Scale, t5: T5Config) -> CorpusPreset:
    training = cosine_training(scale.generator_steps, scale.generator_rows.total, scale.generator_rate)
    shape = BatchShape(rows=64, buckets=(56, 80))
    by_slots = BatchShape(rows=256, buckets=(56, 80), slots=16)
    return CorpusPreset(
        ingest=IngestConfig(shard_rows=scale.shard_rows),
        tokenizer=TrainTokenizerConfig(tokenizer=TokenizerConfig(vocab_size=scale.pieces)),
        generator=TrainGeneratorConfig(
            model=t5.model_copy(update={"variant": "1.0"}),
            training=training,
            lengths=GeneratorLengths(passage=224, question=24, answer=12),
            rows=scale.generator_rows,
        ),
        answers=ExtractAnswersConfig(beam_size=scale.beam, shape=shape),
        questions=GenerateQuestionsConfig(shape=by_slots),
        filter=FilterQuestionsConfig(shape=by_slots),
        open_domain=FilterOpenDomainConfig(passages=4, shape=by_slots),
        memory=MemoryConfig(),
        negatives=NegativesConfig(spans_per_passage=1),
    )


def _stages(scale: Scale, t5: T5Config) -> TrainingPreset:
    model = _model(t5)
    frozen: dict[str, Any] = {
        "model": model.model_copy(update={"integration": "discrete"}),
        "retrieval_loss_weight": 1.0,
        "vary_k": True,
    }
    steps = scale.inbatch[0] + scale.global_[0] + scale.finetune[0]
    closed_book = ClosedBookConfig(
        model=model,
        passages=cosine_training(*scale.closed_passages),
        questions=cosine_training(steps - scale.closed_passages[0], *scale.closed_questions),
    )
    return TrainingPreset(
        init=InitConfig(model=model),
        inbatch=InBatchConfig(
            model=model,
            retrieval_loss_weight=1.0,
            training=cosine_training(*scale.inbatch),
            question_share=scale.question_share,
            top_k=2,
            negatives_per_example=1,
        ),
        index=IndexConfig(),
        global_=GlobalConfig(
            **frozen,
            question_share=scale.question_share,
            training=cosine_training(*scale.global_),
            top_k=scale.slots,
        ),
        finetune=FinetuneConfig(
            **frozen,
            own_share=scale.own_share,
            training=cosine_training(*scale.finetune),
            top_k=scale.slots,
        ),
        two_hop_one_round=FinetuneConfig(
            **frozen,
            training=cosine_training(*scale.multihop),
            top_k=2 * scale.hop_slots,
        ),
        multihop=MultihopConfig(
            **frozen,
            own_share=scale.own_share,
            training=cosine_training(*scale.multihop),
            top_k=scale.hop_slots,
        ),
        closed_book=closed_book,
        two_hop_closed_book=two_hop_closed_book(closed_book, cosine_training(*scale.multihop), scale.multihop[0]),
        repaq=_repaq(scale, model),
        reranker=RerankerConfig(
            model=model, training=cosine_training(*scale.reranker), top_k=scale.candidates[1], retriever_weight=1.0
        ),
        passages=_passages(scale, model),
    )


def _model(t5: T5Config) -> QamatConfig:
    return QamatConfig(
        t5=t5,
        passage_length=224,
        question_length=32,
        target_length=12,
        key_length=32,
        value_length=40,
        temperature=t5.d_model**0.5,
        rank_marks=True,
    )


def _repaq(scale: Scale, model: QamatConfig) -> RepaqConfig:
    return RepaqConfig(
        model=model,
        training=cosine_training(*scale.repaq),
        top_k=scale.candidates[0],
        refresh_every=-(-scale.repaq[0] // 4),
    )


def _passages(scale: Scale, model: QamatConfig) -> PassagesPreset:
    reading = Reading(passages=scale.passages, passage_length=96, question_length=32, target_length=12, rank_marks=True)
    return PassagesPreset(
        rows=scale.passage_rows,
        retrieve=RetrievePassagesConfig(passages=scale.passages),
        dpr=DprConfig(model=model, training=cosine_training(*scale.dpr), passage_length=72),
        fid=FidTrainingConfig(model=model, training=cosine_training(*scale.fid), reading=reading),
        extractive=ExtractiveConfig(model=model, training=cosine_training(*scale.extractive), reading=reading),
        two_hop=scale.two_hop_passages,
        mdr=MdrConfig(model=model, training=cosine_training(*scale.mdr), passage_length=72, query_length=96),
        hops=RetrieveHopsConfig(passages=scale.passages, beam=scale.passages),
        two_hop_fid=FidTrainingConfig(model=model, training=cosine_training(*scale.two_hop_fid), reading=reading),
    )


def _evaluation(scale: Scale) -> EvaluationPreset:
    ks = tuple(k for k in (1, 2, 4, 8, 16) if k <= scale.slots)
    two = scale.hop_slots
    return EvaluationPreset(
        single_hop=EvaluationConfig(top_k=scale.slots, ks=ks, recall_at=(1, 2, 4, 8, 16)),
        two_hop_one_round=EvaluationConfig(top_k=2 * two, ks=(2 * two,), recall_at=(1, 4)),
        two_hop=EvaluationConfig(top_k=two, ks=(two,), recall_at=(1, 4), rounds=2),
        closed_book=EvaluationConfig(rounds=0, ks=(1,), recall_at=(1,)),
        repaq=RepaqEvaluationConfig(),
        memory_shares=(0.0, 0.08, 0.25, 0.5, 0.75, 1.0),
        deeper=tuple(
            EvaluationConfig(top_k=k, ks=(k,), recall_at=(k,), questions=scale.deeper_questions) for k in scale.deeper
        ),
    )
