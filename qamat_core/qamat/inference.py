"""Answering questions: retrieve, read the entries (the discrete part only, paper section 3.4), decode greedily."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final, NamedTuple

import jax
import numpy as np
from jaxtyping import Array, Float, Int

from qamat_core.indexes.protocol import Found, Index
from qamat_core.qamat.reader import Context, Entries, Query, Reader
from qamat_core.qamat.retriever import encode, weights
from qamat_core.qamat.search import FrozenMemory
from qamat_core.t5.decoding import Decoded, greedy
from qamat_core.training.checkpoint import Params
from schemas.qamat import Integration

_PIECES: Final = 1024
"""That a processor encodes at a time: more do not stay in its cache. Decoding still takes the whole batch."""


class Answered(NamedTuple):
    """What a batch of E questions got: answer tokens, and the entries of the last round, R >= K of them, best first."""

    tokens: Int[np.ndarray, "E T"]
    sum_logprob: Float[np.ndarray, " E"]
    rows: Int[np.ndarray, "E R"]
    """Of the memory; -1 where it holds no more."""
    scores: Float[np.ndarray, "E R"]
    """Inner products over the temperature; -inf where it holds no more."""
    weights: Float[np.ndarray, "E R"]
    """p(m|X) over the k entries that were read; 0 for the others."""


class _Round(NamedTuple):
    """One round of retrieval."""

    query: Query
    found: Found
    read: Float[np.ndarray, "B R"]
    """1 for the entries that are read."""


@dataclass(frozen=True)
class Answerer:
    """Answers with fixed parameters; one compilation serves every k up to ``slots``.

    ``index`` searches the keys of ``memory``, whose arrays may be mapped from files: only what is read is taken from
    them. ``rounds`` 0 is closed-book, 1 QAMAT, 2 QAMAT+. ``retrieve`` >= ``slots`` entries are reported.
    ``integration`` is what the decoder reads; None for what its model answers from (``QamatConfig.answering``).
    """

    reader: Reader
    params: Params
    memory: FrozenMemory
    index: Index
    rounds: int
    slots: int
    retrieve: int
    batch_size: int
    integration: Integration | None = None

    def answer(self, inputs: Int[np.ndarray, "E L"], k: int, banned: Int[np.ndarray, "E X"] | None = None) -> Answered:
        """Answer E questions with k slots.

        Args:
            inputs: tokens of ``[MASK] question``.
            k: slots that are read, at most ``slots``.
            banned: rows that a question must not retrieve; -1 bans nothing.
        """
        banned = np.full((len(inputs), 1), -1) if banned is None else banned
        parts: list[Answered] = []
        for start in range(0, len(inputs), self.batch_size):
            count = min(self.batch_size, len(inputs) - start)
            spare = ((0, self.batch_size - count), (0, 0))
            tokens = np.pad(inputs[start : start + count], spare)
            barred = np.pad(banned[start : start + count], spare, constant_values=-1)
            parts.append(Answered(*(part[:count] for part in self._answer(tokens, barred, k))))
        return Answered(*(np.concatenate(part) for part in zip(*parts, strict=True)))

    def _answer(self, tokens: Int[np.ndarray, "B L"], banned: Int[np.ndarray, "B X"], k: int) -> Answered:
        if self.rounds:
            context, found, shares = self._read(tokens, banned, k)
        else:
            shape = (len(tokens), self.retrieve)
            context = self._programs.closed_book(self.params, tokens)
            found = Found(np.full(shape, -1, np.int32), np.full(shape, -np.inf, np.float32))
            shares = np.zeros(shape, np.float32)
        length = self.reader.config.target_length
        decoded: Decoded = greedy(self.reader.model, self.params, context.encoded, context.tokens, length)
        return Answered(*map(np.asarray, (*decoded[:2], *found, shares)))

    def _read(
        self, tokens: Int[np.ndarray, "B L"], banned: Int[np.ndarray, "B X"], k: int
    ) -> tuple[Context, Found, Array]:
        """Return what the decoder attends to, what the last round retrieved, and p(m|X) of the k that are read."""
        extended, last = tokens, self._find(tokens, banned, k)
        for _ in range(self.rounds - 1):
            entries = self._fetch(self.memory.value_tokens, last).astype(np.int32)
            extended = self._programs.extend(extended, entries, last.read[:, : self.slots])
            last = self._find(extended, banned, k)
        entries = self._fetch(self.memory.value_tokens, last).astype(np.int32)
        neural = self._programs.integration != "discrete"
        values = self._fetch(self.memory.values, last).astype(np.float32) if neural else None
        context, shares = self._programs.read(
            self.params, last.query, last.found.scores, last.read, extended, entries, values
        )
        return context, last.found, shares

    def _find(self, extended: Int[np.ndarray, "B N"] | Array, banned: Int[np.ndarray, "B X"], k: int) -> _Round:
        query = self._programs.query(self.params, extended)
        found = self.index.search(np.asarray(query.vectors[:, 0]), self.retrieve, banned)
        return _Round(query, found, ((found.rows >= 0) & (np.arange(self.retrieve) < k)).astype(np.float32))

    def _fetch(self, part: Array | np.ndarray, last: _Round) -> np.ndarray:
        """Return the rows of the slots, [B, slots, ...]; any where there is none."""
        return np.asarray(part[np.maximum(last.found.rows[:, : self.slots], 0)])

    @property
    def _programs(self) -> "_Programs":
        integration = self.integration or self.reader.config.answering
        settings = self.reader.config.model_copy(update={"integration": integration})
        pieces = _PIECES if jax.default_backend() == "cpu" else None
        return _programs(replace(self.reader, config=settings, pieces=pieces), self.slots)


class _Programs:
    """What is compiled: all that runs between searches."""

    def __init__(self, reader: Reader, slots: int) -> None:
        def read(
            params: Params,
            query: Query,
            scores: Float[Array, "B R"],
            read: Float[Array, "B R"],
            extended: Int[Array, "B N"],
            tokens: Int[Array, "B K V"],
            values: Float[Array, "B K D"] | None,
        ) -> tuple[Context, Float[Array, "B R"]]:
            shares, visible = weights(scores[:, None], read)[:, 0], read[:, :slots]
            if values is None:
                return reader.read(params, extended, tokens, visible), shares
            entries = Entries(tokens, values, shares[:, None, :slots])
            return reader.integrate(params, query, extended, entries, visible), shares

        def closed_book(params: Params, tokens: Int[Array, "B L"]) -> Context:
            return Context(encode(reader.model, params, tokens), tokens)

        self.integration = reader.config.integration
        self.query = jax.jit(lambda params, tokens: reader.query(params, tokens, 1))
        self.extend = jax.jit(reader.extend)
        self.read = jax.jit(read)
        self.closed_book = jax.jit(closed_book)


@lru_cache(maxsize=8)
def _programs(reader: Reader, slots: int) -> _Programs:
    """Return the programs of a model of one shape: what is compiled for one checkpoint serves the others."""
    return _Programs(reader, slots)


def answer_text(text: str) -> str:
    """Return the first span of a decoded target ``<extra_id_0> answer <extra_id_1> ...``."""
    spans = [span.strip() for span in _spans(text)]
    return next((span for span in spans if span), "")


def _spans(text: str) -> Sequence[str]:
    head, *rest = text.split("<extra_id_")
    return [head, *(part.partition(">")[2] for part in rest)]
