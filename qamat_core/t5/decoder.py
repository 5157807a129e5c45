"""The decoder stack of T5, over a whole target at once or one step at a time with cached keys and values."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from flax import linen as nn

from qamat_core.t5.attention import KeysValues, MultiHeadAttention, causal_bias, padding_bias
from qamat_core.t5.layers import Dense, Dropout, LayerNorm, MlpBlock
from qamat_core.t5.pointer import PointerHead
from qamat_core.t5.relative_position import RelativePositionBias
from schemas.model import T5Config


class Source(NamedTuple):
    """What the decoder reads, projected once: [B, S, ...]."""

    memories: tuple[KeysValues, ...]
    """Keys and values of the cross-attention, one a layer."""
    bias: jax.Array
    """[B, 1, 1, S], hides padding."""
    tokens: jax.Array
    """[B, S], the ids that the pointer head copies."""
    pointer_keys: jax.Array | None
    """[B, S, D], or None without a pointer head."""


Cache = tuple[KeysValues, ...]
"""Keys and values of the self-attention, one a layer, each [B * N, heads, T, head_dim]."""


class DecoderLayer(nn.Module):
    """Pre-norm self-attention, cross-attention and feed-forward block, each with a residual connection."""

    config: T5Config

    def setup(self) -> None:
        """Declare the blocks by T5X's names."""
        config = self.config
        self.pre_self_attention_layer_norm = LayerNorm(config.dtype)
        self.self_attention = MultiHeadAttention(config)
        self.pre_cross_attention_layer_norm = LayerNorm(config.dtype)
        self.encoder_decoder_attention = MultiHeadAttention(config)
        self.pre_mlp_layer_norm = LayerNorm(config.dtype)
        self.mlp = MlpBlock(config)
        self.dropout = Dropout(config.dropout)

    def __call__(
        self, x: jax.Array, bias: jax.Array, memory: KeysValues, source_bias: jax.Array, deterministic: bool
    ) -> jax.Array:
        """Map ``x`` [B, T, D] to [B, T, D]; ``bias`` [1, heads, T, T] is causal."""
        normal = self.pre_self_attention_layer_norm(x)
        attended = self.self_attention(normal, self.self_attention.project(normal), bias, deterministic)
        x = x + self.dropout(attended, deterministic)
        return self._read(x, memory, source_bias, deterministic)

    def step(
        self,
        x: jax.Array,
        cache: KeysValues,
        memory: KeysValues,
        *,
        position: jax.Array,
        bias: jax.Array,
        source_bias: jax.Array,
    ) -> tuple[jax.Array, KeysValues]:
        """Advance N hypotheses a row by one token: ``x`` [B, N, D]; ``bias`` [1, heads, 1, T] is the position's."""
        flat = self.pre_self_attention_layer_norm(x).reshape(-1, 1, x.shape[-1])
        new = self.self_attention.project(flat)
        cache = jax.tree.map(lambda old, one: jax.lax.dynamic_update_slice_in_dim(old, one, position, 2), cache, new)
        x = x + self.self_attention(flat, cache, bias, True).reshape(x.shape)
        # Hypotheses of a row read the same source, so they stand as query positions of one attention.
        return self._read(x, memory, source_bias, True), cache

    def _read(self, x: jax.Array, memory: KeysValues, source_bias: jax.Array, deterministic: bool) -> jax.Array:
        normal = self.pre_cross_attention_layer_norm(x)
        read = self.encoder_decoder_attention(normal, memory, source_bias, deterministic)
        x = x + self.dropout(read, deterministic)
        return x + self.dropout(self.mlp(self.pre_mlp_layer_norm(x), deterministic), deterministic)


class Decoder(nn.Module):
    """All decoder layers, the final norm, and the output layer unless it is tied to the token embedding."""

    config: T5Config

    def setup(self) -> None:
        """Declare the layers by T5X's names, and the pointer head where configured."""
        config = self.config
        self.relpos_bias = RelativePositionBias(config, bidirectional=False)
        self.layers = [DecoderLayer(config) for _ in range(config.num_decoder_layers)]
        self.decoder_norm = LayerNorm(config.dtype)
        self.dropout = Dropout(config.dropout)
        if not config.tie_embeddings:
            self.logits_dense = Dense(config.vocab_size)
        if config.pointer_head:
            self.pointer = PointerHead(config)

    def source(self, encoded: jax.Array, encoder_tokens: jax.Array) -> Source:
        """Project ``encoded`` [B, S, D] for every layer; ``encoder_tokens`` [B, S] tell the padding."""
        memories = tuple(layer.encoder_decoder_attention.project(encoded) for layer in self.layers)
        keys = self.pointer.keys(encoded, encoder_tokens) if self.config.pointer_head else None
        return Source(memories, padding_bias(encoder_tokens), encoder_tokens, keys)

    def self_bias(self, length: int) -> jax.Array:
        """Give the relative and causal bias [1, heads, length, length] of the self-attention."""
        return self.relpos_bias(length, length) + causal_bias(length)

    def __call__(self, x: jax.Array, source: Source, deterministic: bool) -> jax.Array:
        """Decode the embedded targets ``x`` [B, T, D] to normalised states [B, T, D]."""
        bias = self.self_bias(x.shape[1])
        x = self.dropout(x, deterministic)
        for layer, memory in zip(self.layers, source.memories, strict=True):
            x = layer(x, bias, memory, source.bias, deterministic)
        return self.dropout(self.decoder_norm(x), deterministic)

    def step(
        self, x: jax.Array, position: jax.Array, bias: jax.Array, source: Source, cache: Cache
    ) -> tuple[jax.Array, Cache]:
        """Advance by one token: ``x`` [B, N, D] to states [B, N, D]; ``bias`` is the whole ``self_bias``."""
        row = jax.lax.dynamic_slice_in_dim(bias, position, 1, axis=2)
        updated: list[KeysValues] = []
        for layer, old, memory in zip(self.layers, cache, source.memories, strict=True):
            x, new = layer.step(x, old, memory, position=position, bias=row, source_bias=source.bias)
            updated.append(new)
        return self.decoder_norm(x), tuple(updated)


def empty_cache(config: T5Config, rows: int, length: int) -> Cache:
    """Give an empty self-attention cache for ``rows`` = B * N hypotheses of ``length`` tokens."""
    empty = jnp.zeros((rows, config.num_heads, length, config.head_dim), config.dtype)
    return tuple(KeysValues(empty, empty) for _ in range(config.num_decoder_layers))
