"""Equations of the paper, written a second time: one example at a time, in numpy, over the tiny model's encoder."""

from typing import Any, NamedTuple

import jax
import numpy as np

from qamat_core.qamat.search import FrozenMemory
from qamat_core.t5.network import shift_right
from tests.qamat_core.qamat import tiny


class Retrieval(NamedTuple):
    """What one input retrieves."""

    scores: np.ndarray
    """[S, M]."""
    rows: list[int]
    """Best first."""
    weights: np.ndarray
    """p(m|X), [S, K]."""


def retrieve(tokens: np.ndarray, masks: int, memory: FrozenMemory, k: int, banned: set[int] | None = None) -> Retrieval:
    """Section 3.2: f(X; [MASK]) . f(m; [CLS]), top-K, softmax over the top-K."""
    states = tiny.encode(tokens[None])[0]
    queries = [states[place] / tiny.config().temperature for place in mask_places(tokens, masks)]
    scores = np.array([[float(query @ key) for key in np.asarray(memory.keys, np.float64)] for query in queries])
    allowed = [row for row in range(scores.shape[1]) if row not in (banned or set())]
    rows = sorted(allowed, key=lambda row: -scores[:, row].max())[:k]
    return Retrieval(scores, rows, np.array([softmax(line[rows]) for line in scores]))


def mask_places(tokens: np.ndarray, masks: int) -> list[int]:
    wanted = [tiny.tokenizer().sentinel(number) for number in range(masks)]
    return [list(tokens).index(token) if token in tokens else list(tokens).index(wanted[0]) for token in wanted]


def neural(tokens: np.ndarray, masks: int, found: Retrieval, values: np.ndarray) -> np.ndarray:
    """Section 3.3: H = F(X) + sum of p(m|X) f(value) at the mask's row."""
    states = tiny.encode(tokens[None])[0]
    done: set[int] = set()
    for number, place in enumerate(mask_places(tokens, masks)):
        if place not in done:
            states[place] += sum(
                weight * values[row] for weight, row in zip(found.weights[number], found.rows, strict=True)
            )
        done.add(place)
    return states


def extended(tokens: np.ndarray, found: Retrieval, value_tokens: np.ndarray) -> np.ndarray:
    """Section 3.4: [m_K, ..., m_1, X]."""
    return np.concatenate([*(value_tokens[row] for row in reversed(found.rows)), tokens])


def both(tokens: np.ndarray, masks: int, found: Retrieval, memory: FrozenMemory) -> tuple[np.ndarray, np.ndarray]:
    """Equation 2: H' + lambda H^, with the tokens that its rows stand for."""
    long = extended(tokens, found, np.asarray(memory.value_tokens))
    summed = tiny.config().balance * tiny.encode(long[None])[0]
    summed[-len(tokens) :] += neural(tokens, masks, found, np.asarray(memory.values, np.float64))
    return summed, long


def answer_loss(contexts: list[tuple[np.ndarray, np.ndarray]], targets: np.ndarray) -> float:
    """The mean cross entropy of the target tokens that are not padding."""
    encoded, tokens = (np.stack(part) for part in zip(*contexts, strict=True))
    logits = np.asarray(_decode(encoded.astype(np.float32), tokens, targets), np.float64)
    losses = [-np.log(softmax(logits[at])[targets[at]]) for at in zip(*np.nonzero(targets), strict=True)]
    return float(np.mean(losses))


@jax.jit
def _decode(encoded: jax.Array, tokens: jax.Array, targets: jax.Array) -> Any:
    weights = {"params": tiny.params()}
    return tiny.reader().model.apply(weights, encoded, tokens, shift_right(targets), method="decode")


def contrast(scores: list[np.ndarray], positives: np.ndarray) -> float:
    """-log p(positive) over all entries, mean over the known positives; an entry of score -inf does not count."""
    known = [(e, s) for e, s in np.ndindex(positives.shape) if positives[e, s] >= 0]
    return float(np.mean([-np.log(softmax(scores[e][s])[positives[e, s]]) for e, s in known]))


def softmax(x: np.ndarray) -> np.ndarray:
    weights = np.exp(x - x.max())
    return weights / weights.sum()
