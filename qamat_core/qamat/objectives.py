"""The objectives of QAMAT's stages (paper section 4).

Each returns a loss function of the training loop: (parameters, batch, random key) -> (loss, metrics). Batches hold
``inputs`` [B, L], ``targets`` [B, T] and ``positives`` [B, S], the rows of the known entries (-1: unknown).
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from qamat_core.qamat.integration import visible_slots
from qamat_core.qamat.reader import Context, Entries, Reader
from qamat_core.qamat.retriever import NEGATIVE, contrastive_loss, encode, encode_cls, top_entries, weights
from qamat_core.training.checkpoint import Params
from qamat_core.training.loop import Batch, LossFn, Metrics
from schemas.qamat import MultihopConfig, StageConfig


class FrozenMemory(NamedTuple):
    """The global memory as arrays: keys and values encoded once, value tokens for the discrete part."""

    keys: Float[Array | np.ndarray, "M D"]
    values: Float[Array | np.ndarray, "M D"]
    value_tokens: Int[Array | np.ndarray, "M V"]


def in_batch_loss(reader: Reader, config: StageConfig) -> LossFn:
    """Stage one: the memory is the batch's entries ``key_tokens`` and ``value_tokens`` [N, ...], encoded live.

    ``banned`` [N] is 1 for an entry that stands in the batch already. Equation 2 carries gradient into p(m|X). Of the
    values only the retrieved ones are encoded: no other has a part in the loss.
    """

    def loss_fn(params: Params, batch: Batch, key: Array) -> tuple[Array, Metrics]:
        tokens, positives = batch["inputs"], batch["positives"]
        query = reader.query(params, tokens, positives.shape[1])
        keys = encode_cls(reader.model, params, batch["key_tokens"])
        scores = jnp.einsum("bsd,nd->bsn", query.vectors, keys) + NEGATIVE * batch["banned"]
        found = top_entries(scores, config.top_k)
        visible = visible_slots(key, len(tokens), config.top_k, config.vary_k) * found.allowed
        probabilities = weights(scores, found.rows, visible)
        entries = batch["value_tokens"][found.rows]
        values = encode_cls(reader.model, params, entries.reshape(-1, entries.shape[-1]))
        retrieved = Entries(entries, values.reshape(*found.rows.shape, -1), probabilities)
        context = reader.integrate(params, query, tokens, retrieved, visible)
        return _sum_up(reader, config, params, read=(context, batch["targets"]), retrieval=(scores, positives))

    return loss_fn


def global_loss(reader: Reader, config: StageConfig) -> LossFn:
    """Stage two and fine-tuning: exact search in the frozen memory; p(m|X) of equation 2 carries no gradient.

    ``memory`` in the batch is a ``FrozenMemory``; ``banned_rows`` [B, R] (-1: none) are masked before selection.
    """

    def loss_fn(params: Params, batch: Batch, key: Array) -> tuple[Array, Metrics]:
        tokens, positives, memory = batch["inputs"], batch["positives"], batch["memory"]
        query = reader.query(params, tokens, positives.shape[1])
        scores = ban(search_scores(query.vectors, memory), batch["banned_rows"])
        found = top_entries(scores, config.top_k)
        visible = visible_slots(key, len(tokens), config.top_k, config.vary_k) * found.allowed
        context = reader.integrate(params, query, tokens, fetch(memory, scores, found.rows, visible), visible)
        return _sum_up(reader, config, params, read=(context, batch["targets"]), retrieval=(scores, positives))

    return loss_fn


def multihop_loss(reader: Reader, config: MultihopConfig) -> LossFn:
    """QAMAT+: round 1 retrieves with X, round 2 with X1 = [round 1, X]; the reader encodes [round 2, round 1, X].

    ``first`` and ``positives`` [B, 1] are the rows of the two hops' entries. The loss adds -log p(m1|X)
    (section 4.3) and, weighted by ``retrieval_loss_weight``, the same of the second round.
    """

    def loss_fn(params: Params, batch: Batch, key: Array) -> tuple[Array, Metrics]:
        tokens, memory = batch["inputs"], batch["memory"]
        slots = visible_slots(key, len(tokens), config.top_k, config.vary_k)
        first_query = reader.query(params, tokens, 1)
        first_scores = ban(search_scores(first_query.vectors, memory), batch["banned_rows"])
        first = top_entries(first_scores, config.top_k)
        extended = reader.extend(tokens, memory.value_tokens[first.rows], slots * first.allowed)
        query = reader.query(params, extended, 1)
        scores = ban(search_scores(query.vectors, memory), batch["banned_rows"])
        found = top_entries(scores, config.top_k)
        visible = slots * found.allowed
        context = reader.integrate(params, query, extended, fetch(memory, scores, found.rows, visible), visible)
        retrieval = (scores, batch["positives"])
        loss, metrics = _sum_up(reader, config, params, read=(context, batch["targets"]), retrieval=retrieval)
        first_loss, first_hit = contrastive_loss(first_scores, batch["first"])
        return loss + config.first_hop_weight * first_loss, {**metrics, "first_hop_recall_at_1": first_hit}

    return loss_fn


def closed_book_loss(reader: Reader, z_loss: float) -> LossFn:
    """The plain T5: the target from the input alone."""

    def loss_fn(params: Params, batch: Batch, key: Array) -> tuple[Array, Metrics]:
        del key
        tokens = batch["inputs"]
        return reader.loss(params, Context(encode(reader.model, params, tokens), tokens), batch["targets"], z_loss), {}

    return loss_fn


def search_scores(queries: Float[Array, "B S D"], memory: FrozenMemory) -> Float[Array, "B S M"]:
    """Return the inner products of queries and all frozen keys (exact search)."""
    return jnp.einsum("bsd,md->bsm", queries, memory.keys)


def fetch(
    memory: FrozenMemory, scores: Float[Array, "B S M"], rows: Int[Array, "B K"], visible: Float[Array, "B K"]
) -> Entries:
    """Return retrieved entries of the frozen memory; their p(m|X) carries no gradient (section 4.2)."""
    probabilities = jax.lax.stop_gradient(weights(scores, rows, visible))
    return Entries(memory.value_tokens[rows], memory.values[rows], probabilities)


def ban(scores: Float[Array, "B S M"], rows: Int[Array, "B R"]) -> Float[Array, "B S M"]:
    """Return the scores with the banned rows of each input out of reach; a row of -1 bans nothing."""
    banned = jnp.zeros((scores.shape[0], scores.shape[2] + 1)).at[jnp.arange(len(rows))[:, None], rows].set(NEGATIVE)
    return scores + banned[:, None, :-1]


def _sum_up(
    reader: Reader,
    config: StageConfig,
    params: Params,
    *,
    read: tuple[Context, Array],
    retrieval: tuple[Array, Array],
) -> tuple[Array, Metrics]:
    answer = reader.loss(params, *read, config.training.z_loss)
    contrast, hit = contrastive_loss(*retrieval)
    loss = answer + config.retrieval_loss_weight * contrast
    return loss, {"answer_loss": answer, "retrieval_loss": contrast, "recall_at_1": hit}
