"""Scales of the track on real questions over a memory that people wrote; models start from random weights.

``toy`` runs in seconds and learns nothing (tests), ``minutes`` shows within a quarter of an hour on two cores what
learns (tuning on dev), ``hour`` is the largest that two cores train in about an hour, ``gpu`` is for one GPU. They
differ in numbers only.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from schemas.base import Frozen
from schemas.corpus import IngestConfig, MultihopConfig
from schemas.errors import ConfigError
from schemas.generation import TrainTokenizerConfig
from schemas.human import GatherConfig, HumanPreset, HumanScale, HumanStages, QuestionExamplesConfig
from schemas.model import T5Config
from schemas.preset_models import T5_AIDS, cosine_training
from schemas.qamat import (
    EvaluationConfig,
    FinetuneConfig,
    InBatchConfig,
    IndexConfig,
    InitConfig,
    QamatConfig,
    WordsConfig,
)
from schemas.repaq import RepaqEvaluationConfig
from schemas.training import TokenizerConfig

AIDS: Final = (
    *T5_AIDS,
    "queries and keys to which a weighted sum of word embeddings is added, which starts as a search by words and is "
    "trained before all else",
    "a contrastive term on known positives in every stage",
    "retrieved entries marked with their rank, the end of their answer with </s>",
    "inner products divided by the root of the width",
    "no neural integration",
)
"""What models need that start from random weights (docs/decisions/0004, docs/real-track.md)."""


class _Scale(Frozen):
    """The numbers in which the scales differ."""

    d_model: int
    locality: tuple[float, ...]
    pieces: int
    words: tuple[int, int, float]
    """Steps, batch size, learning rate; so are those of the other stages."""
    inbatch: tuple[int, int, float]
    finetune: tuple[int, int, float]
    slots: int
    layers: tuple[int, int] = (2, 1)
    """Of the encoder and of the decoder."""
    recall_at: tuple[int, ...] = (5, 50)


def _preset(name: HumanScale, scale: _Scale) -> HumanPreset:
    return HumanPreset(
        name=name,
        aids=AIDS,
        ingest=IngestConfig(),
        gather=GatherConfig(),
        tokenizer=TrainTokenizerConfig(
            tokenizer=TokenizerConfig(vocab_size=scale.pieces, fold_case=True), max_texts=1_000_000
        ),
        examples=QuestionExamplesConfig(),
        mining=MultihopConfig(hops=1, ban_own_entries=True, nearest=33),
        stages=_stages(scale),
        reading=EvaluationConfig(top_k=scale.slots, ks=(scale.slots,), recall_at=scale.recall_at),
        nearest=RepaqEvaluationConfig(top_k=max(scale.recall_at)),
    )


def _stages(scale: _Scale) -> HumanStages:
    t5 = T5Config(
        d_model=scale.d_model,
        num_heads=len(scale.locality),
        head_dim=scale.d_model // len(scale.locality),
        d_ff=2 * scale.d_model,
        num_encoder_layers=scale.layers[0],
        num_decoder_layers=scale.layers[1],
        tie_embeddings=True,
        pointer_head=True,
        word_match=True,
        locality_start=scale.locality,
    )
    model = QamatConfig(
        t5=t5,
        passage_length=24,
        question_length=24,
        target_length=10,
        key_length=24,
        value_length=28,
        temperature=scale.d_model**0.5,
        rank_marks=True,
        value_end=True,
        integration="discrete",
    )
    shared: dict[str, Any] = {"model": model, "retrieval_loss_weight": 1.0}
    return HumanStages(
        init=InitConfig(model=model),
        words=WordsConfig(model=model, training=cosine_training(*scale.words)),
        inbatch=InBatchConfig(
            **shared, training=cosine_training(*scale.inbatch), top_k=scale.slots, negatives_per_example=3
        ),
        index=IndexConfig(),
        finetune=FinetuneConfig(
            **shared, training=cosine_training(*scale.finetune), top_k=scale.slots, answered_only=True
        ),
    )


def _toy() -> HumanPreset:
    scale = _Scale(
        d_model=24,
        locality=(1.0, 0.4, 0.1),
        pieces=120,
        words=(2, 8, 1e-3),
        inbatch=(3, 8, 1e-3),
        finetune=(3, 8, 1e-3),
        slots=2,
        recall_at=(1, 5),
    )
    return _preset("toy", scale)


def _minutes() -> HumanPreset:
    scale = _Scale(
        d_model=192,
        locality=(1.0, 0.4, 0.1, 0.0),
        pieces=16000,
        words=(400, 512, 3e-3),
        inbatch=(150, 96, 3e-3),
        finetune=(250, 32, 1e-3),
        slots=4,
    )
    return _preset("minutes", scale)


def _hour() -> HumanPreset:
    scale = _Scale(
        d_model=256,
        locality=(1.0, 0.4, 0.1, 0.0),
        pieces=16000,
        words=(400, 512, 3e-3),
        inbatch=(600, 128, 3e-3),
        finetune=(1500, 32, 1e-3),
        slots=4,
    )
    return _preset("hour", scale)


def _gpu() -> HumanPreset:
    scale = _Scale(
        d_model=512,
        locality=(1.0, 0.4, 0.1, 0.0, 1.0, 0.4, 0.1, 0.0),
        pieces=16000,
        words=(800, 1024, 2e-3),
        inbatch=(2000, 256, 1.5e-3),
        finetune=(2000, 64, 5e-4),
        slots=4,
        layers=(4, 2),
    )
    return _preset("gpu", scale)


HUMAN_PRESETS: Final[Mapping[str, Callable[[], HumanPreset]]] = MappingProxyType(
    {"toy": _toy, "minutes": _minutes, "hour": _hour, "gpu": _gpu}
)
"""Scale -> what builds its numbers."""


def human_preset(name: str) -> HumanPreset:
    """Return the numbers of a scale.

    Raises:
        ConfigError: there is none of that name; lists those there are.
    """
    if name not in HUMAN_PRESETS:
        raise ConfigError(f"no scale {name!r} of the human track; there are {', '.join(HUMAN_PRESETS)}")
    return HUMAN_PRESETS[name]()
