"""Questions a second, QAMAT's 32 entries against FiD's passages: equal random weights of T5-small's shape, one core.

QAMAT reads a question of 32 pieces behind 32 entries of 40, FiD reads 100 (or 10) passages of 200 pieces; both write 16
pieces (the end token's embedding is zero, so nothing ends early) with the same decoder, in float32. "With search" both
encode the question and search as many vectors of the model's width exactly and in the same way: QAMAT the keys of
entries, FiD those of passages. Each side answers as many questions at a time, or encodes as many passages, as is best
for it on a core. `transformers` has FiD's form put together of its parts: encoder, outputs side by side, ``generate``.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from qamat_core.fid.reader import FidReader
from qamat_core.planning.flops import count_flops
from qamat_core.qamat.reader import Reader
from qamat_core.qamat.search import FrozenMemory, fetch, search
from qamat_core.t5.conversion import from_transformers
from qamat_core.t5.decoding import greedy, untie
from schemas.fid import FidConfig
from schemas.model import EOS_ID, PAD_ID, T5Config
from schemas.qamat import QamatConfig
from tests.benchmarks.measure import Row, compare, interleave, one_core, require

MASK = 32_099
EMBEDDING_SCALE = 0.05
"""Small beside what the layers add, so that the model does not merely repeat its input."""

Answer = Callable[[], np.ndarray]
"""Answers some questions; gives the pieces, [B, T]."""


class Work(NamedTuple):
    """The size of the task; T5-small's by default."""

    questions: int = 2
    """That QAMAT answers at a time; FiD answers one."""
    question: int = 32
    entries: int = 32
    value: int = 40
    passages: tuple[int, ...] = (100, 10)
    passage: int = 200
    group: int = 10
    """Passages that FiD encodes at a time."""
    target: int = 16
    memory: int = 200_000
    layers: int = 6
    rounds: int = 3


class Side(NamedTuple):
    """One way to answer: how many questions a call answers, and billions of operations for one of them."""

    answer: Answer
    questions: int
    operations: float


def run(*, quick: bool) -> list[Row]:
    """Measure QAMAT against our FiD and against that of `transformers`."""
    versions = require("jax", "torch", "transformers")
    work = Work()
    if quick:
        work = Work(1, 4, 2, 4, (3, 2), 8, 2, 3, 100, 1, 1)
    with one_core():
        model = _random_model(work)
        config, params = _weights(model, work)
        index = _memory(work)
        ours = {search: _qamat(config, params, index, work, search) for search in (True, False)}
        return [row for passages in work.passages for row in _against(model, passages, ours, config, params, index, work, versions)]
