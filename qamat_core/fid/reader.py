"""FiD's reader: passages are encoded one by one, the decoder attends to all of them (Izacard and Grave 2021)."""

from dataclasses import dataclass
from functools import cached_property

import jax
import numpy as np
from jaxtyping import Array, Float, Int

from qamat_core.qamat.reader import Context
from qamat_core.qamat.retriever import encode_in_groups
from qamat_core.t5.decoding import greedy
from qamat_core.t5.network import T5, shift_right
from qamat_core.training.checkpoint import Params
from qamat_core.training.step import Batch, LossFn, Metrics, token_loss, total_of
from schemas.fid import FidConfig


@dataclass(frozen=True)
class FidReader:
    """The functions of a FiD of one shape; parameters are passed in."""

    config: FidConfig
    group: int
    """At most so many inputs, each a question with one passage, are encoded at a time: bounds memory, and decides
    nothing else."""

    @property
    def model(self) -> T5:
        """The T5 underneath."""
        return T5(self.config.t5)

    def read(self, params: Params, tokens: Int[Array, "B N L"]) -> Context:
        """Encode every passage alone and put them side by side: [B, N * L, D].

        No position tells the decoder which passage a row is of; a passage that is padding is hidden.
        """
        side_by_side = tokens.reshape(len(tokens), -1)
        encoded = encode_in_groups(self.model, params, tokens.reshape(-1, tokens.shape[-1]), self.group)
        return Context(encoded.reshape(*side_by_side.shape, -1), side_by_side)

    def answer(
        self, params: Params, inputs: Int[np.ndarray, "E N L"], batch_size: int
    ) -> tuple[Int[np.ndarray, "E T"], Float[np.ndarray, " E"]]:
        """Answer E questions greedily, ``batch_size`` at a time: answer tokens and their log-probability."""
        parts: list[tuple[np.ndarray, np.ndarray]] = []
        for start in range(0, len(inputs), batch_size):
            count = min(batch_size, len(inputs) - start)
            tokens = np.pad(inputs[start : start + count], ((0, batch_size - count), (0, 0), (0, 0)))
            context = self._read(params, tokens)
            decoded = greedy(self.model, params, *context, self.config.target_length)
            parts.append((np.asarray(decoded.tokens)[:count], np.asarray(decoded.sum_logprob)[:count]))
        tokens, sums = zip(*parts, strict=True)
        return np.concatenate(tokens), np.concatenate(sums)

    @cached_property
    def _read(self):
        return jax.jit(self.read)


def fid_loss(reader: FidReader, z_loss: float) -> LossFn:
    """Return the loss of training: the answer's cross entropy, given all passages.

    Batches hold ``inputs`` [B, N, L] and ``targets`` [B, T].
    """

    def loss_fn(params: Params, batch: Batch, key: Array) -> tuple[Array, Metrics]:
        del key
        context, targets = reader.read(params, batch["inputs"]), batch["targets"]
        logits = reader.model.apply(
            {"params": params}, context.encoded, context.tokens, shift_right(targets), method="decode"
        )
        loss = token_loss(logits, targets, z_loss, total_of(batch, "targets"))  # pyright: ignore[reportArgumentType]
        return loss, {}

    return loss_fn
