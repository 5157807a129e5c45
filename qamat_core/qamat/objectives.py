"""The objectives of QAMAT's stages (paper section 4).

Each returns a loss function of the training loop: (parameters, batch, random key) -> (loss, metrics). Batches hold
``inputs`` [B, L], ``targets`` [B, T] and ``positives`` [B, S], the rows of the known entries (-1: unknown).
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from qamat_core.qamat.integration import visible_slots
from qamat_core.qamat.reader import Context, Entries, Query, Reader
from qamat_core.qamat.retriever import (
    NEGATIVE,
    Ranking,
    contrastive_loss,
    encode,
    encode_cls,
    top_entries,
    weights,
)
from qamat_core.qamat.search import FrozenMemory, fetch, search
from qamat_core.training.checkpoint import Params
from qamat_core.training.step import Batch, LossFn, Metrics, total_of
from schemas.model import PAD_ID
from schemas.qamat import InBatchConfig, MultihopConfig, StageConfig


class Round(NamedTuple):
    """One round of retrieval in a frozen memory."""

    rows: Int[Array, "B K"]
    entries: Entries
    visible: Float[Array, "B K"]
    ranking: Ranking


def in_batch_loss(reader: Reader, config: InBatchConfig) -> LossFn:
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
        probabilities = weights(jnp.take_along_axis(scores, found.rows[:, None, :], axis=2), visible)
        if not config.latent_gradient:
            probabilities = jax.lax.stop_gradient(probabilities)
        entries = batch["value_tokens"][found.rows]
        values = encode_cls(reader.model, params, entries.reshape(-1, entries.shape[-1]))
        retrieved = Entries(entries, values.reshape(*found.rows.shape, -1), probabilities)
        context = reader.integrate(params, query, tokens, retrieved, visible)
        return _sum_up(reader, config, params, context, Ranking.of(scores, positives), batch)

    return loss_fn


def global_loss(reader: Reader, config: StageConfig, *, answered_only: bool = False) -> LossFn:
    """Stage two and fine-tuning: exact search in the frozen memory; p(m|X) of equation 2 carries no gradient.

    With ``answered_only`` the answer counts only where the known entry is read.

    ``memory`` in the batch is a ``FrozenMemory``; ``banned_rows`` [B, R] (-1: none) are masked before selection.
    """

    def loss_fn(params: Params, batch: Batch, key: Array) -> tuple[Array, Metrics]:
        tokens, positives = batch["inputs"], batch["positives"]
        query = reader.query(params, tokens, positives.shape[1])
        slots = visible_slots(key, len(tokens), config.top_k, config.vary_k)
        found = retrieve(query, batch, positives, slots)
        context = reader.integrate(params, query, tokens, found.entries, found.visible)
        if answered_only:
            batch = {**batch, "targets": answered_targets(found, batch)}
        return _sum_up(reader, config, params, context, found.ranking, batch)

    return loss_fn


def multihop_loss(reader: Reader, config: MultihopConfig) -> LossFn:
    """QAMAT+: round 1 retrieves with X, round 2 with X1 = [round 1, X]; the reader encodes [round 2, round 1, X].

    ``first`` and ``positives`` [B, 1] are the rows of the two hops' entries. The loss adds -log p(m1|X)
    (section 4.3) and, weighted by ``retrieval_loss_weight``, the same of the second round.
    """

    def loss_fn(params: Params, batch: Batch, key: Array) -> tuple[Array, Metrics]:
        tokens = batch["inputs"]
        slots = visible_slots(key, len(tokens), config.top_k, config.vary_k)
        first = retrieve(reader.query(params, tokens, 1), batch, batch["first"], slots)
        extended = reader.extend(tokens, first.entries.tokens, first.visible)
        query = reader.query(params, extended, 1)
        found = retrieve(query, batch, batch["positives"], slots)
        context = reader.integrate(params, query, extended, found.entries, found.visible)
        if config.answered_only:
            batch = {**batch, "targets": answered_targets(found, batch)}
        loss, metrics = _sum_up(reader, config, params, context, found.ranking, batch)
        first_loss, first_hit = contrastive_loss(first.ranking, total_of(batch, "first"))
        return loss + config.first_hop_weight * first_loss, {**metrics, "first_hop_recall_at_1": first_hit}

    return loss_fn


def closed_book_loss(reader: Reader, z_loss: float) -> LossFn:
    """The plain T5: the target from the input alone."""

    def loss_fn(params: Params, batch: Batch, key: Array) -> tuple[Array, Metrics]:
        del key
        tokens = batch["inputs"]
        context = Context(encode(reader.model, params, tokens), tokens)
        return reader.loss(params, context, batch["targets"], z_loss, total_of(batch, "targets")), {}

    return loss_fn


def retrieve(query: Query, batch: Batch, positives: Int[Array, "B S"], slots: Float[Array, "B K"]) -> Round:
    """Retrieve K entries of the frozen memory; their p(m|X) carries no gradient (section 4.2)."""
    memory: FrozenMemory = batch["memory"]
    searched = search(query.vectors, memory, batch["banned_rows"], slots.shape[1])
    visible = slots * searched.found.allowed
    entries = fetch(memory, searched.found.rows)
    scores = jnp.einsum("bsd,bkd->bsk", query.vectors, entries.keys)
    probabilities = jax.lax.stop_gradient(weights(scores, visible))
    known = fetch(memory, jnp.maximum(positives, 0)).keys
    target = jnp.einsum("bsd,bsd->bs", query.vectors, known)
    ranking = Ranking(target, searched.log_total, searched.best, positives)
    return Round(searched.found.rows, Entries(entries.value_tokens, entries.values, probabilities), visible, ranking)


def answered_targets(found: Round, batch: Batch) -> Int[Array, "B T"]:
    """Return the targets, nothing but padding where the known entry of the first mask is not among those read."""
    known = batch["positives"][:, :1]
    known = (known >= 0) & (found.rows == known) & (found.visible > 0)
    return jnp.where(known.any(axis=1, keepdims=True), batch["targets"], PAD_ID)


def _sum_up(
    reader: Reader, config: StageConfig, params: Params, context: Context, ranking: Ranking, batch: Batch
) -> tuple[Array, Metrics]:
    answer = reader.loss(params, context, batch["targets"], config.training.z_loss, total_of(batch, "targets"))
    contrast, hit = contrastive_loss(ranking, total_of(batch, "positives"))
    weight = config.retrieval_loss_weight
    loss = answer + weight * contrast if weight else answer  # its gradient would search the memory twice more
    return loss, {"answer_loss": answer, "retrieval_loss": contrast, "recall_at_1": hit}
