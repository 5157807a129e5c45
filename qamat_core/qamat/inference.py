"""Answering questions: retrieve, read (the discrete entries only, paper section 3.4), decode greedily."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from qamat_core.qamat.reader import Context, Entries, Query, Reader
from qamat_core.qamat.retriever import NEGATIVE, Retrieved, encode, top_entries, weights
from qamat_core.qamat.search import FrozenMemory
from qamat_core.t5.decoding import Decoded, greedy
from qamat_core.training.checkpoint import Params
from schemas.qamat import Integration

Rows = Int[np.ndarray, "E R"]


class Answered(NamedTuple):
    """What a batch of E questions got: answer tokens, the memory rows of the last round with p(m|X) over the k read."""

    tokens: Int[np.ndarray, "E T"]
    sum_logprob: Float[np.ndarray, " E"]
    rows: Rows
    """R >= K retrieved rows, best first; -1 where the memory holds no more."""
    weights: Float[np.ndarray, "E R"]
    """p(m|X) over the k entries that were read; 0 for the others."""


@dataclass(frozen=True)
class Answerer:
    """Answers with fixed parameters; one compilation serves every k up to ``slots``.

    ``rounds`` 0 is closed-book, 1 QAMAT, 2 QAMAT+. ``retrieve`` >= ``slots`` entries are reported.
    """

    reader: Reader
    params: Params
    memory: FrozenMemory
    rounds: int
    slots: int
    retrieve: int
    batch_size: int
    integration: Integration = "discrete"
    """What the decoder reads, whatever it read in training."""

    def answer(
        self,
        inputs: Int[np.ndarray, "E L"],
        k: int,
        removed: Float[np.ndarray, " M"] | None = None,
    ) -> Answered:
        """Answer E questions with k slots.

        Args:
            inputs: tokens of ``[MASK] question``.
            k: slots that are read, at most ``slots``.
            removed: 1 for memory rows that are taken out for everyone.
        """
        gone = jnp.asarray(np.zeros(len(self.memory.keys), np.float32) if removed is None else removed)
        parts: list[Answered] = []
        for start in range(0, len(inputs), self.batch_size):
            count = min(self.batch_size, len(inputs) - start)
            tokens = np.pad(inputs[start : start + count], ((0, self.batch_size - count), (0, 0)))
            context, found, shares = self._contexts(self.params, self.memory, tokens, jnp.int32(k), gone)
            decoded: Decoded = greedy(
                self.reader.model, self.params, context.encoded, context.tokens, self.reader.config.target_length
            )
            parts.append(Answered(*(np.asarray(part)[:count] for part in (*decoded[:2], found, shares))))
        return Answered(*(np.concatenate(part) for part in zip(*parts, strict=True)))

    @cached_property
    def _contexts(self):
        settings = self.reader.config.model_copy(update={"integration": self.integration})
        return jax.jit(partial(_context, replace(self.reader, config=settings), self.rounds, self.slots, self.retrieve))


def _context(
    reader: Reader,
    rounds: int,
    slots: int,
    retrieve: int,
    params: Params,
    memory: FrozenMemory,
    tokens: Int[Array, "B L"],
    k: Int[Array, ""],
    removed: Float[Array, " M"],
) -> tuple[Context, Int[Array, "B R"], Float[Array, "B R"]]:
    """Return what the decoder attends to, the rows retrieved by the last round, and p(m|X) of the k that are read."""
    if not rounds:
        none = jnp.full((tokens.shape[0], retrieve), -1, jnp.int32)
        return Context(encode(reader.model, params, tokens), tokens), none, jnp.zeros(none.shape)

    def search(extended: Int[Array, "B N"]) -> _Found:
        query = reader.query(params, extended, 1)
        found = top_entries(jnp.einsum("bsd,md->bsm", query.vectors, memory.keys) + NEGATIVE * removed, retrieve)
        read = (found.allowed & (jnp.arange(retrieve) < k)).astype(jnp.float32)
        return _Found(query, found, read, weights(found.scores[:, None], read)[:, 0])

    extended, found = tokens, search(tokens)
    for _ in range(rounds - 1):
        rows = found.retrieved.rows[:, :slots]
        extended = reader.extend(extended, memory.value_tokens[rows], found.read[:, :slots])
        found = search(extended)
    rows, shares = found.retrieved.rows, found.shares
    read = rows[:, :slots]
    entries = Entries(memory.value_tokens[read], memory.values[read], shares[:, None, :slots])
    context = reader.integrate(params, found.query, extended, entries, found.read[:, :slots])
    return context, jnp.where(found.retrieved.allowed, rows, -1), shares


class _Found(NamedTuple):
    """One round of retrieval."""

    query: Query
    retrieved: Retrieved
    read: Float[Array, "B R"]
    """1 for the entries that are read."""
    shares: Float[Array, "B R"]


def answer_text(text: str) -> str:
    """Return the first span of a decoded target ``<extra_id_0> answer <extra_id_1> ...``."""
    spans = [span.strip() for span in _spans(text)]
    return next((span for span in spans if span), "")


def _spans(text: str) -> Sequence[str]:
    head, *rest = text.split("<extra_id_")
    return [head, *(part.partition(">")[2] for part in rest)]
