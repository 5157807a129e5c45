"""T5 (Raffel et al. 2020), versions 1.0 and 1.1, with the parameter tree of a T5X checkpoint.

Token id 0 is padding and the decoder's start. All methods work through ``model.apply({"params": params}, ...,
method=...)``; dropout, when configured and not ``deterministic``, needs ``rngs={"dropout": key}``.
"""

import jax
import jax.numpy as jnp
from flax import linen as nn

from qamat_core.t5.decoder import Cache, Decoder, Source
from qamat_core.t5.encoder import Encoder
from qamat_core.t5.layers import Embedding
from qamat_core.t5.word_match import WordMatch
from schemas.model import PAD_ID, T5Config


def shift_right(targets: jax.Array) -> jax.Array:
    """Give the decoder's inputs for ``targets`` [B, T]: a start token, then all but the last."""
    return jnp.pad(targets, ((0, 0), (1, 0)), constant_values=PAD_ID)[:, :-1]


class T5(nn.Module):
    """The encoder-decoder. "Logits" are log-probabilities where ``config.pointer_head`` is set."""

    config: T5Config

    def setup(self) -> None:
        """Declare the parts by T5X's names."""
        self.token_embedder = Embedding(self.config)
        self.encoder = Encoder(self.config)
        self.decoder = Decoder(self.config)
        if self.config.word_match:
            self.word_match = WordMatch(self.config)

    def __call__(
        self, encoder_input_tokens: jax.Array, decoder_input_tokens: jax.Array, deterministic: bool = True
    ) -> jax.Array:
        """Give logits [B, T, V] for tokens [B, L] and (shifted) target tokens [B, T]."""
        encoded = self.encode(encoder_input_tokens, deterministic)
        if self.config.word_match:
            self.match(encoder_input_tokens, encoded[:, :1])  # declares its parameters
        return self.decode(encoded, encoder_input_tokens, decoder_input_tokens, deterministic)

    def encode(self, tokens: jax.Array, deterministic: bool = True) -> jax.Array:
        """Encode ``tokens`` [B, L] as [B, L, D]; rows of padding hold no meaning."""
        return self.encoder(self.token_embedder(tokens), tokens, deterministic)

    def match(self, tokens: jax.Array, vectors: jax.Array) -> jax.Array:
        """Give the ``vectors`` [B, S, D] of inputs with their ``tokens`` [B, L] added; only with ``word_match``."""
        return self.word_match(tokens, vectors)

    def decode(
        self,
        encoded: jax.Array,
        encoder_tokens: jax.Array,
        decoder_input_tokens: jax.Array,
        deterministic: bool = True,
    ) -> jax.Array:
        """Give logits [B, T, V], float32, of ``decoder_input_tokens`` [B, T] over ``encoded`` [B, S, D].

        ``encoded`` may be anything of that shape, not only what ``encode`` gave; ``encoder_tokens`` [B, S] tell
        which rows are padding (0) and, to the pointer head, which token each row stands for.
        """
        source = self.decoder.source(encoded, encoder_tokens)
        states = self.decoder(self.token_embedder(decoder_input_tokens), source, deterministic)
        return self._logits(states, source)

    def source(self, encoded: jax.Array, encoder_tokens: jax.Array) -> Source:
        """Project ``encoded`` [B, S, D] once for a run of ``step``."""
        return self.decoder.source(encoded, encoder_tokens)

    def self_bias(self, length: int) -> jax.Array:
        """Give the decoder's bias [1, heads, length, length] once for a run of ``step``."""
        return self.decoder.self_bias(length)

    def step(
        self, tokens: jax.Array, position: jax.Array, bias: jax.Array, source: Source, cache: Cache
    ) -> tuple[jax.Array, Cache]:
        """Read ``tokens`` [B, N] at ``position`` of N hypotheses a row; give logits [B, N, V] and the cache."""
        states, cache = self.decoder.step(self.token_embedder(tokens), position, bias, source, cache)
        return self._logits(states, source), cache

    def _logits(self, states: jax.Array, source: Source) -> jax.Array:
        tied = self.config.tie_embeddings
        logits = self.token_embedder.attend(states) if tied else self.decoder.logits_dense(states)
        if source.pointer_keys is None:
            return logits
        return self.decoder.pointer(states, logits, source.pointer_keys, source.tokens)
