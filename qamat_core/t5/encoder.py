"""The encoder stack of T5."""

import jax
from flax import linen as nn

from qamat_core.t5.attention import MultiHeadAttention, padding_bias
from qamat_core.t5.layers import Dropout, LayerNorm, MlpBlock
from qamat_core.t5.relative_position import RelativePositionBias
from schemas.model import T5Config


class EncoderLayer(nn.Module):
    """Pre-norm self-attention and feed-forward block, each with a residual connection."""

    config: T5Config

    def setup(self) -> None:
        """Declare the blocks by T5X's names."""
        config = self.config
        self.pre_attention_layer_norm = LayerNorm(config.dtype)
        self.attention = MultiHeadAttention(config)
        self.pre_mlp_layer_norm = LayerNorm(config.dtype)
        self.mlp = MlpBlock(config)
        self.dropout = Dropout(config.dropout)

    def __call__(self, x: jax.Array, bias: jax.Array, deterministic: bool) -> jax.Array:
        """Map ``x`` [B, L, D] to [B, L, D]; ``bias`` is [B, heads, L, L]."""
        normal = self.pre_attention_layer_norm(x)
        attended = self.attention(normal, self.attention.project(normal), bias, deterministic)
        x = x + self.dropout(attended, deterministic)
        return x + self.dropout(self.mlp(self.pre_mlp_layer_norm(x), deterministic), deterministic)


class Encoder(nn.Module):
    """All encoder layers and the final norm."""

    config: T5Config

    def setup(self) -> None:
        """Declare the layers by T5X's names."""
        config = self.config
        self.relpos_bias = RelativePositionBias(config, bidirectional=True)
        layer = nn.remat(EncoderLayer, static_argnums=(3,)) if config.remat else EncoderLayer
        self.layers = [layer(config) for _ in range(config.num_encoder_layers)]
        self.encoder_norm = LayerNorm(config.dtype)
        self.dropout = Dropout(config.dropout)

    def __call__(self, x: jax.Array, tokens: jax.Array, deterministic: bool) -> jax.Array:
        """Encode the embedded ``tokens`` [B, L], ``x`` [B, L, D], as [B, L, D]."""
        length = tokens.shape[-1]
        bias = self.relpos_bias(length, length) + padding_bias(tokens)
        x = self.dropout(x, deterministic)
        for layer in self.layers:
            x = layer(x, bias, deterministic)
        return self.dropout(self.encoder_norm(x), deterministic)
