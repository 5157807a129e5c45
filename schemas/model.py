"""Configuration of the models."""

from typing import Literal

from pydantic import Field, model_validator

from schemas.base import Frozen

PAD_ID = 0
"""Padding, and the token that a decoder starts from."""
EOS_ID = 1
"""The end of a sequence."""


NOT_SHAPE = frozenset({"dropout", "dtype", "remat"})
"""Fields of a ``T5Config`` that may differ from those that its parameters were made with."""


class T5Config(Frozen):
    """The shape of a T5, 1.0 (ReLU, tied output embedding scaled by d^-1/2) or 1.1 (gated GELU, own output layer)."""

    variant: Literal["1.0", "1.1"] = "1.1"
    """Which one is "T5" is not given by the paper."""
    vocab_size: int = Field(default=32128, gt=0)
    d_model: int = Field(default=512, gt=0)
    num_heads: int = Field(default=6, gt=0)
    head_dim: int = Field(default=64, gt=0)
    d_ff: int = Field(default=1024, gt=0)
    num_encoder_layers: int = Field(default=8, gt=0)
    num_decoder_layers: int = Field(default=8, gt=0)
    tie_embeddings: bool = False
    """Use the token embedding as output layer, scaled by d_model^-1/2 (T5 1.0)."""
    relative_buckets: int = Field(default=32, ge=4)
    relative_max_distance: int = Field(default=128, gt=2)
    dropout: float = Field(default=0.0, ge=0, lt=1)
    """Of a generator's training; not given by the paper (T5X fine-tunes with 0.1). QAMAT's own stages refuse it."""
    dtype: Literal["float32", "bfloat16"] = "float32"
    """The type of activations; parameters are always float32."""
    remat: bool = False
    """Keep only what enters each layer for the backward pass and compute the rest again: less memory, a third more
    work, the same result."""
    pointer_head: bool = False
    """An aid for small models trained from scratch, not in the paper: the output distribution is one softmax
    over the vocabulary and the source positions."""
    word_match: bool = False
    """An aid for small models trained from scratch, not in the paper: queries, keys and values are the encoder's output
    plus a weighted sum of embeddings of their own words. The weights start as the words' rarity in the memory
    (``init_qamat``), so that retrieval starts as a search by words and learns from there."""
    locality_start: tuple[float, ...] = ()
    """An aid for small models, not in the paper: the encoder's relative bias of head h starts at
    ``-locality_start[h] * distance`` (initialisation only); empty for T5's own initialisation."""

    @model_validator(mode="after")
    def _check(self) -> "T5Config":
        if self.relative_max_distance <= self.relative_buckets // 2:
            raise ValueError(
                f"relative_max_distance {self.relative_max_distance} must be above half of the "
                f"{self.relative_buckets} relative_buckets, which hold one distance each"
            )
        if self.locality_start and len(self.locality_start) != self.num_heads:
            raise ValueError(
                f"locality_start has {len(self.locality_start)} slopes for {self.num_heads} heads: give one a head"
            )
        return self
