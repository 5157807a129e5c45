"""What RePAQ and its re-ranker learn from: which of the retrieved entries have a right answer.

No entry is known to be the right one for a question: any whose answer is right may be (latent retrieval). Batches hold
``inputs`` [B, L], the tokens of ``[MASK] question``, ``entries`` [B, K, W], those of the retrieved entries, and
``states`` [B, K]: 1 where an entry's answer is right, 0 where it is not, -1 where nothing was retrieved; ``scores``
[B, K] are the retriever's.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from qamat_core.qamat.reader import Reader
from qamat_core.qamat.retriever import NEGATIVE, encode_cls
from qamat_core.repaq.reranker import score_pairs
from qamat_core.training.checkpoint import Params
from qamat_core.training.step import Batch, LossFn, Metrics


def repaq_loss(reader: Reader) -> LossFn:
    """Learn to retrieve: the ``entries`` are keys; question and keys are encoded live, so both carry gradient."""

    def loss_fn(params: Params, batch: Batch, key: Array) -> tuple[Array, Metrics]:
        del key
        query = reader.query(params, batch["inputs"], 1).vectors[:, 0]
        entries = batch["entries"]
        keys = encode_cls(reader.model, params, entries.reshape(-1, entries.shape[-1]))
        scores = jnp.einsum("bd,bkd->bk", query, keys.reshape(*entries.shape[:2], -1))
        return latent_loss(scores, batch["states"])

    return loss_fn


def reranker_loss(reader: Reader, retriever_weight: float) -> LossFn:
    """Learn to rank what was retrieved: the ``entries`` are values, each read together with its question.

    The retriever's scores count ``retriever_weight``.
    """

    def loss_fn(params: Params, batch: Batch, key: Array) -> tuple[Array, Metrics]:
        del key
        entries = batch["entries"]
        questions = jnp.repeat(batch["inputs"], entries.shape[1], axis=0)
        scores = score_pairs(reader, params, questions, entries.reshape(-1, entries.shape[-1]))
        return latent_loss(scores.reshape(entries.shape[:2]) + retriever_weight * batch["scores"], batch["states"])

    return loss_fn


def latent_loss(scores: Float[Array, "B K"], states: Int[Array, "B K"]) -> tuple[Float[Array, ""], Metrics]:
    """Return the mean of -log p(a|x), and how often the best entry is right.

    p(a|x) is the sum, over the entries whose answer is right, of p(m|x), the softmax of the scores over all retrieved
    entries. Every question has a right entry.
    """
    scores = scores.astype(jnp.float32)
    shown = jnp.where(states >= 0, scores, NEGATIVE)
    right = jnp.where(states == 1, scores, NEGATIVE)
    losses = jax.nn.logsumexp(shown, axis=1) - jax.nn.logsumexp(right, axis=1)
    best = jnp.argmax(shown, axis=1)[:, None]
    hits = jnp.take_along_axis(states, best, axis=1) == 1
    return losses.mean(), {"recall_at_1": hits.mean()}
