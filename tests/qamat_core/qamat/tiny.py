"""A QAMAT small enough to be checked by hand: a tokenizer of one sentence shape, a memory of who lives where."""

from collections.abc import Sequence
from functools import cache, partial
from typing import Any

import jax
import numpy as np
import pyarrow as pa
from hypothesis import settings

from qamat_core.qamat.entries import MemoryEntries
from qamat_core.qamat.reader import Reader
from qamat_core.qamat.search import FrozenMemory
from qamat_core.t5.initialize import fit_vocabulary, init_params
from qamat_core.t5.network import T5
from qamat_core.tokenizer import Tokenizer, train_sentencepiece
from qamat_core.training.checkpoint import Params
from schemas.model import T5Config
from schemas.qamat import QamatConfig
from schemas.tables import QA_PAIRS
from schemas.training import TokenizerConfig

compiled = settings(deadline=None, max_examples=50)  # the first example compiles

PEOPLE = ["Ada", "Bela", "Cleo", "Dora", "Edda", "Fiona", "Greta", "Hilda", "Ines", "Jette"]
TOWNS = ["Dorf", "Stad", "Holm", "Burg", "Furt", "Bach", "Feld", "Wald", "Moor", "Hain"]
TEXTS = [f"{name} lives in {town}, does she? Where does {name} live?" for name in PEOPLE for town in TOWNS]


@cache
def tokenizer() -> Tokenizer:
    return Tokenizer(train_sentencepiece(TEXTS, TokenizerConfig(vocab_size=90)))


@cache
def config(**more: Any) -> QamatConfig:
    """A configuration with lambda and temperature unlike 1, so that a forgotten one shows."""
    t5 = T5Config(d_model=16, num_heads=2, head_dim=8, d_ff=32, num_encoder_layers=1, num_decoder_layers=1)
    lengths = {"passage_length": 20, "question_length": 14, "target_length": 6, "key_length": 10, "value_length": 12}
    return QamatConfig(t5=fit_vocabulary(t5, tokenizer()), **{"balance": 0.7, "temperature": 2.0, **lengths, **more})


def reader(**more: Any) -> Reader:
    return Reader(config(**more), tokenizer().sentinel(0))


@cache
def params() -> Params:
    return init_params(reader().model, 0)


def pairs(people: Sequence[str] = PEOPLE, towns: Sequence[str] = TOWNS) -> pa.Table:
    """A memory: entry number i has the id ``i``."""
    rows = [
        {"qa_id": str(row), "question": f"Where does {name} live?", "answer": town, "aliases": [], "origin": "gold"}
        for row, (name, town) in enumerate(zip(people, towns, strict=True))
    ]
    return pa.Table.from_pylist([row | {"score": 0.0} for row in rows], schema=QA_PAIRS)


@cache
def entries() -> MemoryEntries:
    return MemoryEntries(pairs(), tokenizer(), config())


@cache
def memory() -> FrozenMemory:
    """Keys and values drawn at random: nothing that is tested depends on how they came about."""
    rng = np.random.default_rng(5)
    keys, values = (rng.normal(size=(len(PEOPLE), 16)).astype(np.float32) for _ in range(2))
    return FrozenMemory(keys, values, entries().value_tokens)


def inputs(texts: Sequence[str], length: int = 20) -> np.ndarray:
    return tokenizer().encode_batch(texts, length)


@partial(jax.jit, static_argnums=0)
def _encode(model: T5, weights: Params, tokens: jax.Array) -> Any:
    return model.apply({"params": weights}, tokens, method="encode")


def encode(tokens: np.ndarray) -> np.ndarray:
    """F(X) of the tiny model: [B, L, 16]."""
    return np.asarray(_encode(reader().model, params(), tokens), np.float64)
