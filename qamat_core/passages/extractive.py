"""The extractive reader: one softmax over the spans of all passages of a question.

A T5's encoder reads each passage with its question alone. A span's score is that of its first piece plus that of its
last: h (v + W q), where h is the piece's vector and q the mean of those before the context, the question's; v and W,
for either end, are the only parameters besides the T5's (DPR's reader has v alone). Where an answer stands is not
known: any occurrence may be the one that answers, so training sums over their probabilities (Clark and Gardner 2018).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from qamat_core.passages.extractive_examples import SpanInputs
from qamat_core.qamat.retriever import NEGATIVE, encode_in_groups
from qamat_core.t5.network import T5
from qamat_core.training.checkpoint import Params
from qamat_core.training.step import Batch, LossFn, Metrics
from schemas.model import EOS_ID, PAD_ID, T5Config

HEAD: Final = "span_head"
"""Where v ("kernel", [D, 2]) and W ("question", [D, 2, D]) of first and last pieces stand at the top of the tree."""


class Spans(NamedTuple):
    """The best span of E questions, and how the probability divides."""

    places: Int[np.ndarray, "E 3"]
    """Passage, first piece, last piece; -1 where a question has no passage with a piece."""
    logprobs: Float[np.ndarray, " E"]
    """Of the best span among all; 0 where there is none."""
    shares: Float[np.ndarray, "E N"]
    """The probability of each passage's spans together."""


def with_head(params: Params, width: int) -> Params:
    """Return a T5's parameters with a head of D = ``width`` that tells no span from another."""
    head = {"kernel": np.zeros((width, 2), np.float32), "question": np.zeros((width, 2, width), np.float32)}
    return {**params, HEAD: head}


@dataclass(frozen=True)
class ExtractiveReader:
    """The functions of an extractive reader of one shape; parameters are passed in."""

    t5: T5Config
    span_length: int
    """W, pieces of a span at most."""
    group: int
    """At most so many inputs are encoded at a time."""

    def scores(self, params: Params, tokens: Int[Array, "B N L"], begins: Int[Array, "B N"]) -> Float[Array, "B N L W"]:
        """Return the score of the span of each first piece and length (less one); ``NEGATIVE`` where there is none."""
        flat = tokens.reshape(-1, tokens.shape[-1])
        encoded = encode_in_groups(T5(self.t5), params, flat, self.group).astype(jnp.float32)
        encoded = encoded.reshape(*tokens.shape, -1)
        inside = jnp.arange(tokens.shape[-1]) >= begins[..., None]
        readable = (tokens != PAD_ID) & (tokens != EOS_ID) & inside
        asked = jnp.mean(encoded, axis=2, where=~inside[..., None])
        weights = params[HEAD]["kernel"] + jnp.einsum("bnq,dkq->bndk", asked, params[HEAD]["question"])
        ends = jnp.einsum("bnld,bndk->bnlk", encoded, weights)
        last = _windows(ends[..., 1], self.span_length)
        allowed = readable[..., None] & _windows(readable, self.span_length)
        return jnp.where(allowed, ends[..., :1] + last, NEGATIVE)

    def best(self, params: Params, inputs: SpanInputs, batch_size: int) -> Spans:
        """Return the best span of every question, ``batch_size`` at a time."""
        parts: list[tuple[np.ndarray, ...]] = []
        for start in range(0, len(inputs.tokens), batch_size):
            count = min(batch_size, len(inputs.tokens) - start)
            spare = batch_size - count
            tokens = np.pad(inputs.tokens[start : start + count], ((0, spare), (0, 0), (0, 0)))
            begins = np.pad(inputs.begins[start : start + count], ((0, spare), (0, 0)))
            parts.append(tuple(np.asarray(part)[:count] for part in self._best(params, tokens, begins)))
        return Spans(*map(np.concatenate, zip(*parts, strict=True)))

    @cached_property
    def _best(self):
        def best(params: Params, tokens: Array, begins: Array) -> tuple[Array, Array, Array]:
            scores = self.scores(params, tokens, begins)
            flat = scores.reshape(len(scores), -1)
            chosen = jnp.argmax(flat, axis=1)
            passage, first, longer = jnp.unravel_index(chosen, scores.shape[1:])
            top, total = jnp.max(flat, axis=1), jax.nn.logsumexp(flat, axis=1)
            there = top > NEGATIVE / 2
            places = jnp.stack([passage, first, first + longer], axis=1)
            shares = jnp.exp(jax.nn.logsumexp(scores, axis=(2, 3)) - total[:, None])
            return jnp.where(there[:, None], places, -1), jnp.where(there, top - total, 0), shares * there[:, None]

        return jax.jit(best)


def extractive_loss(reader: ExtractiveReader) -> LossFn:
    """Return the loss of training: -log of the probability that the answer's occurrences have together.

    Batches hold ``inputs`` [B, N, L], ``begins`` [B, N] and ``spans`` [B, S, 3]: passage, first piece and last piece of
    each occurrence, -1 where there is none; each question has one.
    """

    def loss_fn(params: Params, batch: Batch, key: Array) -> tuple[Array, Metrics]:
        del key
        scores = reader.scores(params, batch["inputs"], batch["begins"])
        return marginal_loss(scores, batch["spans"])

    return loss_fn


def marginal_loss(
    scores: Float[Array, "B N L W"], spans: Int[Array, "B S 3"]
) -> tuple[Float[Array, ""], Mapping[str, Array]]:
    """Return the mean of -log p(an occurrence), and how often the best span is one."""
    passage, first, last = (spans[..., part] for part in range(3))
    rows = jnp.arange(len(scores))[:, None]
    own = jnp.where(passage >= 0, scores[rows, passage, first, last - first], NEGATIVE)
    flat = scores.reshape(len(scores), -1)
    losses = jax.nn.logsumexp(flat, axis=1) - jax.nn.logsumexp(own, axis=1)
    return losses.mean(), {"span_right": (own.max(axis=1) >= flat.max(axis=1)).mean()}


def _windows(rows: Array, width: int) -> Array:
    """Return, for every place of [..., L], what stands there and at the W - 1 places behind: [..., L, W]."""
    length = rows.shape[-1]
    behind = jnp.pad(rows, [(0, 0)] * (rows.ndim - 1) + [(0, width - 1)])
    return jnp.stack([behind[..., step : step + length] for step in range(width)], axis=-1)
