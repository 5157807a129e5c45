"""The dense retriever (paper section 3.2): queries at [MASK], keys and values at [CLS], raw inner products."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from qamat_core.t5.network import T5
from qamat_core.training.checkpoint import Params
from schemas.errors import ConfigError

NEGATIVE = -1e9
"""Score of an entry that must not be retrieved."""


class Retrieved(NamedTuple):
    """The top-K entries of a batch, best first."""

    rows: Int[Array, "B K"]
    scores: Float[Array, "B K"]

    @property
    def allowed(self) -> Bool[Array, "B K"]:
        """Whether an entry may be read: a banned one is retrieved only where no others are left."""
        return self.scores > NEGATIVE / 2


def encode(model: T5, params: Params, tokens: Int[Array, "B L"]) -> Float[Array, "B L D"]:
    """Return F(X), the encoder's output at every position."""
    return model.apply({"params": params}, tokens, method="encode")  # pyright: ignore[reportReturnType]


def encode_in_groups(model: T5, params: Params, tokens: Int[Array, "B L"], group: int) -> Float[Array, "B L D"]:
    """Return F(X) as ``encode`` does, at most ``group`` rows at a time: bounds memory.

    Where there are several groups, a gradient encodes each again and keeps one group's activations.
    """
    count = -(-len(tokens) // group)
    if count == 1:
        return encode(model, params, tokens)
    size = -(-len(tokens) // count)
    cut = jnp.pad(tokens, ((0, count * size - len(tokens)), (0, 0))).reshape(count, size, -1)
    encoded = jax.lax.map(jax.checkpoint(lambda part: encode(model, params, part)), cut)
    return encoded.reshape(count * size, *encoded.shape[2:])[: len(tokens)]


def encode_cls(model: T5, params: Params, tokens: Int[Array, "N L"]) -> Float[Array, "N D"]:
    """Return f(m; [CLS]) of keys or values, whose first token is [CLS]."""
    return matched(model, params, tokens, encode(model, params, tokens)[:, :1])[:, 0]


def matched(
    model: T5, params: Params, tokens: Int[Array, "B L"], vectors: Float[Array, "B S D"]
) -> Float[Array, "B S D"]:
    """Return the vectors of inputs, with the inputs' words added to them where ``T5Config.word_match`` is set."""
    if not model.config.word_match:
        return vectors
    return model.apply({"params": params}, tokens, vectors, method="match")  # pyright: ignore[reportReturnType]


def mask_positions(tokens: Int[Array, "B L"], first_sentinel: int, masks: int) -> Int[Array, "B S"]:
    """Return where the masks ``<extra_id_0>``, ``<extra_id_1>`` ... stand.

    ``first_sentinel`` is the id of ``<extra_id_0>``; the following masks have descending ids (T5). A mask that an
    input lacks falls on its first one.
    """
    wanted = first_sentinel - jnp.arange(masks)
    found = tokens[:, None, :] == wanted[None, :, None]
    positions = jnp.argmax(found, axis=-1)
    return jnp.where(found.any(axis=-1), positions, positions[:, :1])


def queries_at(encoded: Float[Array, "B L D"], positions: Int[Array, "B S"]) -> Float[Array, "B S D"]:
    """Return f(X; [MASK]), one query a mask."""
    return jnp.take_along_axis(encoded, positions[..., None], axis=1)


def top_entries(scores: Float[Array, "B S M"], k: int) -> Retrieved:
    """Return the union of what all masks of an input retrieve, in score order, cut at K.

    Raises:
        ConfigError: the memory has fewer than K entries.
    """
    if k > scores.shape[-1]:
        raise ConfigError(f"top_k is {k}, the memory has {scores.shape[-1]} entries: lower top_k")
    best, rows = jax.lax.top_k(scores.max(axis=1), k)
    return Retrieved(rows, best)


def weights(scores: Float[Array, "B S K"], visible: Float[Array, "B K"]) -> Float[Array, "B S K"]:
    """Return p(m|X): for each mask the softmax of its scores of the visible retrieved entries, 0 elsewhere."""
    shown = visible[:, None, :]
    return jax.nn.softmax(jnp.where(shown > 0, scores, NEGATIVE), axis=-1) * shown


class Ranking(NamedTuple):
    """How the known entries of a batch rank among all: what the contrastive loss is made of."""

    target: Float[Array, "B S"]
    """The known entry's score; anything where none is known."""
    log_total: Float[Array, "B S"]
    """log of the sum of exp(score) over all entries."""
    best: Int[Array, "B S"]
    """The row of the best entry."""
    positives: Int[Array, "B S"]
    """The row of the known entry, -1 where none is known."""

    @classmethod
    def of(cls, scores: Float[Array, "B S M"], positives: Int[Array, "B S"]) -> "Ranking":
        """Rank among all entries, whose scores are given."""
        target = jnp.take_along_axis(scores, jnp.maximum(positives, 0)[..., None], axis=-1)[..., 0]
        return cls(target, jax.nn.logsumexp(scores, axis=-1), jnp.argmax(scores, axis=-1), positives)


def contrastive_loss(
    ranking: Ranking, total: Float[Array, ""] | None = None
) -> tuple[Float[Array, ""], Float[Array, ""]]:
    """Return -log p(positive) over all entries, and recall@1, means over the known positives.

    ``total`` divides the sums in the place of the number of known positives.
    """
    known = ranking.positives >= 0
    total = jnp.maximum(known.sum(), 1) if total is None else total
    losses = ranking.log_total - ranking.target
    hits = ranking.best == ranking.positives
    return jnp.sum(losses * known) / total, jnp.sum(hits * known) / total
