"""The re-ranker: a T5's encoder reads an entry and the question behind it, as QAMAT's reader does with one slot.

The score is the inner product of the vectors at [MASK] and at the entry's [CLS], each dimension times a learned weight:
the only parameters besides the T5's. With equal weights it is what the retriever computes, but of vectors that have
seen each other.
"""

from functools import lru_cache
from typing import Final

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from qamat_core.indexes.protocol import Found
from qamat_core.qamat.reader import Reader
from qamat_core.qamat.retriever import encode, mask_positions, queries_at
from qamat_core.training.checkpoint import Params

HEAD: Final = "rerank_head"
"""Where the learned weights stand at the top of the tree."""
_START: Final = 0.1


def with_head(params: Params, width: int) -> Params:
    """Return a T5's parameters with a head of D = ``width`` equal weights, small beside what is learned."""
    return {**params, HEAD: {"kernel": np.full(width, _START, np.float32)}}


def score_pairs(
    reader: Reader, params: Params, questions: Int[Array, "P L"], entries: Int[Array, "P V"]
) -> Float[Array, " P"]:
    """Return the score of each question, ``[MASK] question``, with an entry, ``[CLS] answer question``."""
    tokens = reader.extend(questions, entries[:, None], jnp.ones((len(questions), 1)))
    encoded = encode(reader.model, params, tokens)
    masks = queries_at(encoded, mask_positions(tokens, reader.first_sentinel, 1))[:, 0]
    return (masks * encoded[:, 0]) @ params[HEAD]["kernel"] / reader.config.temperature


def rerank(
    reader: Reader,
    params: Params,
    questions: Int[np.ndarray, "E L"],
    value_tokens: Array | np.ndarray,
    found: Found,
    batch_size: int,
    retriever_weight: float,
) -> Found:
    """Return what was found for E questions in the order, and with the scores, of the re-ranker.

    Args:
        reader: of the re-ranker.
        params: its parameters, the head among them.
        questions: tokens of ``[MASK] question``.
        value_tokens: [M, V], of all entries; may be mapped from a file.
        found: [E, K], by the retriever.
        batch_size: pairs that are read at once.
        retriever_weight: of the retriever's scores, which are added.
    """
    k = found.rows.shape[1]
    scores = np.full(found.rows.size, -np.inf, np.float32)
    pairs = np.flatnonzero(found.rows.ravel() >= 0)
    for start in range(0, len(pairs), batch_size):
        chosen = pairs[start : start + batch_size]
        spare = ((0, batch_size - len(chosen)), (0, 0))
        asked = np.pad(questions[chosen // k], spare)
        read = np.pad(np.asarray(value_tokens[found.rows.ravel()[chosen]]).astype(np.int32), spare)
        read_together = np.asarray(_scorer(reader)(params, asked, read))[: len(chosen)]
        scores[chosen] = read_together + retriever_weight * found.scores.ravel()[chosen]
    by_question = scores.reshape(found.rows.shape)
    order = np.argsort(-by_question, axis=1, kind="stable")
    return Found(*(np.take_along_axis(part, order, axis=1) for part in (found.rows, by_question)))


@lru_cache(maxsize=8)
def _scorer(reader: Reader):
    return jax.jit(lambda params, questions, entries: score_pairs(reader, params, questions, entries))
