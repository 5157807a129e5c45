"""The trained generator: prompts in, candidate texts with their probabilities out."""

from collections.abc import Callable, Sequence
from functools import partial
from math import gcd
from pathlib import Path
from threading import Lock
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from qamat_core.generation.batching import Batch, cut_batches
from qamat_core.generation.programs import compiled
from qamat_core.generation.training import STAGE
from qamat_core.t5.beam import IMPOSSIBLE, Beams, beam
from qamat_core.t5.decoding import Decoded, Params, call, greedy, untie
from qamat_core.t5.network import T5
from qamat_core.t5.refill import greedy_by_slots
from qamat_core.tokenizer import Tokenizer
from qamat_core.training.checkpoint import load_card, load_params
from schemas.errors import IncompatibleArtifactError
from schemas.generation import BatchShape, GeneratorConfig
from schemas.model import EOS_ID

_DIGITS = 4
"""Log-probabilities are rounded to so many decimal digits."""
_GROUP = 8
"""At most so many rows are encoded together: their activations stay in a processor's cache."""
_BEAM_GROUP = 32
"""At most so many rows are searched together by a beam."""


class Candidate(NamedTuple):
    """One decoded text of a prompt."""

    text: str
    sum_logprob: float
    """Over all pieces, the end token included; rounded to 1e-4."""
    mean_logprob: float
    """A piece; rounded to 1e-4."""
    ended: bool
    """False where the text was cut at the greatest length."""


class Search(NamedTuple):
    """How to decode: one hypothesis is greedy."""

    max_length: int
    """In pieces, end token included."""
    beam_size: int = 1
    length_penalty: float = 0.0
    slots: int | None = None
    """Greedy only: so many rows are decoded at a time (``BatchShape.slots``)."""


class Generator:
    """A model with its tokenizer; safe to share between threads (every shape is compiled once)."""

    def __init__(self, params: Params, tokenizer: Tokenizer, config: GeneratorConfig) -> None:
        self.config = config
        model, params = untie(config.model, params)
        self._model, self._params = T5(model), jax.device_put(params)
        self._tokenizer = tokenizer
        self._programs: dict[tuple[Search, int, int], Callable[..., tuple[jax.Array, ...]]] = {}
        self._lock = Lock()

    @classmethod
    def load(cls, checkpoint: Path, tokenizer: Path) -> "Generator":
        """Load a generator from the directories of its artifacts.

        Raises:
            IncompatibleArtifactError: the checkpoint is of another stage.
        """
        config = load_config(checkpoint)
        return cls(load_params(checkpoint), Tokenizer.load(tokenizer), config)

    def candidates(
        self, prompts: Sequence[str], source_length: int, search: Search, shape: BatchShape
    ) -> list[list[Candidate]]:
        """Decode every prompt; return its candidates, best first.

        Args:
            prompts: the texts; what is longer than ``source_length`` pieces is cut.
            source_length: the longest input in pieces, end token included.
            search: greedy or beam.
            shape: every call of the model has this many rows, the last one of a bucket is filled up.
        """
        ids = self.tokenize(prompts, source_length)
        found: list[list[Candidate]] = [[] for _ in prompts]
        for batch in cut_batches(ids, shape, source_length):
            for place, candidates in zip(batch.places, self.decode(batch, search), strict=True):
                found[place] = candidates
        return found

    def tokenize(self, prompts: Sequence[str], source_length: int) -> list[list[int]]:
        """Return the ids of prompts, cut to ``source_length`` pieces with the end token."""
        return [[*self._tokenizer.encode(prompt)[: source_length - 1], EOS_ID] for prompt in prompts]

    def decode(self, batch: Batch, search: Search) -> list[list[Candidate]]:
        """Decode one batch: the candidates, best first, of each row that has a place.

        What comes of a row depends on the batch's shape, but neither on its place nor on the other rows.
        """
        count = np.int32(len(batch.places))
        outputs = self._program(search, *batch.tokens.shape)(self._params, batch.tokens, count)
        rows = zip(*(np.asarray(output)[: len(batch.places)] for output in outputs), strict=True)
        return [[self._candidate(*one) for one in zip(*row, strict=True) if one[1] > IMPOSSIBLE / 2] for row in rows]

    def _candidate(self, tokens: np.ndarray, sum_logprob: float, length: int) -> Candidate:
        total, mean = round(float(sum_logprob), _DIGITS), round(float(sum_logprob) / int(length), _DIGITS)
        return Candidate(self._tokenizer.decode(tokens), total, mean, EOS_ID in tokens)

    def _program(self, search: Search, rows: int, length: int) -> Callable[..., tuple[jax.Array, ...]]:
        """Return the compiled decoder of one shape; of two threads that want it, one compiles and the other waits."""
        key = search, rows, length
        with self._lock:
            if key not in self._programs:
                decode = partial(decode_tokens, self._model, search)
                tokens = jax.ShapeDtypeStruct((rows, length), jnp.int32)
                count = jax.ShapeDtypeStruct((), jnp.int32)
                what = f"{self._model.config.model_dump_json()} {search}"
                self._programs[key] = compiled(decode, (self._params, tokens, count), __name__, what)
            return self._programs[key]


def load_config(checkpoint: Path) -> GeneratorConfig:
    """Read what a generator is from the directory of its checkpoint. Raises as ``Generator.load``."""
    card = load_card(checkpoint)
    if card.role != STAGE:
        raise IncompatibleArtifactError(f"{checkpoint}: its role is {card.role!r}; give a {STAGE}'s checkpoint")
    return GeneratorConfig.model_validate(card.settings)


def decode_tokens(
    model: T5, search: Search, params: Params, tokens: jax.Array, count: jax.Array | int
) -> tuple[jax.Array, ...]:
    """Decode ``tokens`` [B, L]; give tokens [B, N, T], their summed log-probabilities [B, N], lengths [B, N].

    Rows from ``count`` on are not wanted.
    """
    if search.beam_size == 1:
        one = _greedy(model, search, params, tokens, count)
        return one.tokens[:, None], one.sum_logprob[:, None], one.lengths[:, None]
    best = _beam(model, search, params, tokens, count)
    return best.tokens, best.sum_logprob, best.lengths


def _beam(model: T5, search: Search, params: Params, tokens: jax.Array, count: jax.Array | int) -> Beams:
    """Search in groups of equally many rows; those that have no wanted row cost nothing."""
    rows = tokens.shape[0]
    group = gcd(rows, _BEAM_GROUP)

    def find(chosen: jax.Array) -> Beams:
        return beam(
            model,
            params,
            _encode(model, params, chosen),
            chosen,
            search.max_length,
            beam_size=search.beam_size,
            length_penalty=search.length_penalty,
        )

    def add(number: jax.Array, found: Beams) -> Beams:
        best = find(jax.lax.dynamic_slice_in_dim(tokens, number * group, group))
        return jax.tree.map(lambda a, b: jax.lax.dynamic_update_slice_in_dim(a, b, number * group, 0), found, best)

    nothing = jax.tree.map(lambda a: jnp.zeros(a.shape, a.dtype), jax.eval_shape(find, tokens))
    return jax.lax.fori_loop(0, -(-count // group), add, nothing)


def _greedy(model: T5, search: Search, params: Params, tokens: jax.Array, count: jax.Array | int) -> Decoded:
    if search.slots is None:
        return greedy(model, params, _encode(model, params, tokens), tokens, search.max_length)
    group = gcd(search.slots, _GROUP)
    return greedy_by_slots(model, params, tokens, count, search.max_length, slots=search.slots, group=group)


def _encode(model: T5, params: Params, tokens: jax.Array) -> jax.Array:
    """Encode ``tokens`` [B, L] as [B, L, D], in groups of equally many rows."""

    def encode(group: jax.Array) -> jax.Array:
        return call(model, params, "encode", group)

    rows, length = tokens.shape
    encoded = jax.lax.map(encode, tokens.reshape(-1, gcd(rows, _GROUP), length))
    return encoded.reshape(rows, length, -1)
