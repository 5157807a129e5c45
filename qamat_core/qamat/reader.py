"""QAMAT's reader: input and retrieved entries to what the decoder attends to."""

from dataclasses import dataclass
from typing import NamedTuple

from jaxtyping import Array, Float, Int

from qamat_core.qamat.integration import add_neural, combine, mark_ranks, prepend_entries
from qamat_core.qamat.retriever import encode_in_groups, mask_positions, matched, queries_at
from qamat_core.t5.network import T5, shift_right
from qamat_core.training.checkpoint import Params
from qamat_core.training.step import token_loss
from schemas.qamat import QamatConfig


class Query(NamedTuple):
    """An encoded input: F(X), the rows of its masks, and f(X; [MASK]) / temperature."""

    encoded: Float[Array, "B L D"]
    positions: Int[Array, "B S"]
    vectors: Float[Array, "B S D"]


class Entries(NamedTuple):
    """Retrieved entries, best first: value tokens, value vectors, and p(m|X) for each mask."""

    tokens: Int[Array, "B K V"]
    values: Float[Array, "B K D"]
    probabilities: Float[Array, "B S K"]


class Context(NamedTuple):
    """What the decoder attends to, and the tokens that its rows stand for (0 is hidden)."""

    encoded: Float[Array, "B N D"]
    tokens: Int[Array, "B N"]


@dataclass(frozen=True)
class Reader:
    """The functions of a QAMAT of one shape; parameters are passed in."""

    config: QamatConfig
    first_sentinel: int
    """The id of <extra_id_0>, the [MASK]."""
    pieces: int | None = None
    """Rows of about so many pieces are encoded at a time; None for all at once."""

    @property
    def model(self) -> T5:
        """The T5 underneath."""
        return T5(self.config.t5)

    def query(self, params: Params, tokens: Int[Array, "B L"], masks: int) -> Query:
        """Encode an input and take its queries."""
        encoded = self._encode(params, tokens)
        positions = mask_positions(tokens, self.first_sentinel, masks)
        vectors = matched(self.model, params, tokens, queries_at(encoded, positions))
        return Query(encoded, positions, vectors / self.config.temperature)

    def _encode(self, params: Params, tokens: Int[Array, "B L"]) -> Float[Array, "B L D"]:
        group = max(1, self.pieces // tokens.shape[1]) if self.pieces else len(tokens)
        return encode_in_groups(self.model, params, tokens, group)

    def extend(
        self, tokens: Int[Array, "B L"], entries: Int[Array, "B K V"], visible: Float[Array, "B K"]
    ) -> Int[Array, "B N"]:
        """Return the tokens of [m_K, ..., m_1, X], N = K * V + L."""
        return prepend_entries(tokens, mark_ranks(entries) if self.config.rank_marks else entries, visible)

    def read(
        self,
        params: Params,
        tokens: Int[Array, "B L"],
        entries: Int[Array, "B K V"],
        visible: Float[Array, "B K"],
    ) -> Context:
        """Return H^: the entries' tokens, best first, read before the input (section 3.4).

        ``visible`` is 1 for the entries that are shown.
        """
        extended = self.extend(tokens, entries, visible)
        return Context(self._encode(params, extended), extended)

    def integrate(
        self,
        params: Params,
        query: Query,
        tokens: Int[Array, "B L"],
        retrieved: Entries,
        visible: Float[Array, "B K"],
    ) -> Context:
        """Return what the decoder attends to: the neural part, the discrete part, or both (equation 2)."""
        if self.config.integration == "discrete":
            return self.read(params, tokens, retrieved.tokens, visible)
        infused = add_neural(query.encoded, query.positions, retrieved.probabilities, retrieved.values)
        if self.config.integration == "neural":
            return Context(infused, tokens)
        discrete = self.read(params, tokens, retrieved.tokens, visible)
        return discrete._replace(encoded=combine(infused, discrete.encoded, self.config.balance))

    def loss(
        self,
        params: Params,
        context: Context,
        targets: Int[Array, "B T"],
        z_loss: float,
        total: Float[Array, ""] | None = None,
    ) -> Float[Array, ""]:
        """Return the mean cross entropy of the targets, or their sum over ``total``."""
        logits = self.model.apply(
            {"params": params}, context.encoded, context.tokens, shift_right(targets), method="decode"
        )
        return token_loss(logits, targets, z_loss, total)  # pyright: ignore[reportArgumentType]
