"""The decoder stack of T5, over a whole target at once or one step at a time with cached keys and values."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from flax import linen as nn

from qamat_core.t5.attention import MASKED, KeysValues, MultiHeadAttention, causal_bias, padding_bias
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


class Cache(NamedTuple):
    """What the self-attention of N hypotheses a row reads: all that any of them wrote, and which of it is whose."""

    memories: tuple[KeysValues, ...]
    """Keys and values, one a layer; K is T * N: all hypotheses of a position, then the next position's."""
    writers: jax.Array
    """[B, N, T] int32: which hypothesis wrote each position of a hypothesis's past."""

    def follow(self, parent: jax.Array) -> "Cache":
        """Let each hypothesis continue its ``parent`` [B, N]; nothing but ``writers`` moves."""
        return self._replace(writers=jnp.take_along_axis(self.writers, parent[..., None], axis=1))


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
        """Advance by one token: ``x`` [B, N, D]; ``bias`` [B, heads, N, T * N] tells what each hypothesis sees.

        Hypotheses of a row read the same keys and values, so they stand as query positions of one attention.
        """
        normal = self.pre_self_attention_layer_norm(x)
        keys, values = self.self_attention.project(normal)
        cache = KeysValues(_write(cache.keys, keys, position, 3), _write(cache.values, values, position, 2))
        x = x + self.self_attention(normal, cache, bias, True)
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
        layer = nn.remat(DecoderLayer, static_argnums=(5,)) if config.remat else DecoderLayer
        self.layers = [layer(config) for _ in range(config.num_decoder_layers)]
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
        """Advance by one token: ``x`` [B, N, D] to states [B, N, D]; ``bias`` is the whole ``self_bias``.

        ``position`` is that of all rows, [], or one a row, [B].
        """
        rows, count, _ = x.shape
        own = jnp.broadcast_to(jnp.arange(count)[None, :, None], (rows, count, 1))
        writers = _write(cache.writers, own, position, 2)
        seen = _seen(jnp.take(bias[0], jnp.atleast_1d(position), axis=1).swapaxes(0, 1), writers)
        updated: list[KeysValues] = []
        for layer, old, memory in zip(self.layers, cache.memories, source.memories, strict=True):
            x, new = layer.step(x, old, memory, position=position, bias=seen, source_bias=source.bias)
            updated.append(new)
        return self.decoder_norm(x), Cache(tuple(updated), writers)


def _write(memory: jax.Array, new: jax.Array, position: jax.Array, axis: int) -> jax.Array:
    """Put ``new``, one position's part of ``axis``, into ``memory`` at ``position``, [] or [B]."""
    width = new.shape[axis]
    if position.ndim == 0:
        return jax.lax.dynamic_update_slice_in_dim(memory, new, position * width, axis)
    # A scatter would write place by place.
    chosen = jnp.arange(memory.shape[axis]) // width == position[:, None]
    others = [one for one in range(1, memory.ndim) if one != axis]
    repeats = [memory.shape[axis] // width if one == axis else 1 for one in range(memory.ndim)]
    return jnp.where(jnp.expand_dims(chosen, others), jnp.tile(new, repeats), memory)


def _seen(bias: jax.Array, writers: jax.Array) -> jax.Array:
    """Give a step's bias [B, heads, N, T * N]: its position's ``bias`` [1 or B, heads, T] where ``writers`` tell."""
    _, count, length = writers.shape
    own = writers[:, None, :, :, None] == jnp.arange(count)
    return jnp.where(own, bias[:, :, None, :, None], MASKED).reshape(*own.shape[:1], -1, count, length * count)


def empty_cache(config: T5Config, rows: int, hypotheses: int, length: int) -> Cache:
    """Give an empty self-attention cache for ``hypotheses`` of ``length`` tokens in each of ``rows``."""
    shape = rows, config.num_heads, length * hypotheses, config.head_dim
    values = jnp.zeros(shape, config.dtype)
    memory = KeysValues(values.mT, values)
    return Cache((memory,) * config.num_decoder_layers, jnp.zeros((rows, hypotheses, length), jnp.int32))
