"""Retrieval with an encoder that changes: the whole memory is encoded again, its entries are searched exactly."""

from collections.abc import Callable

import jax
import numpy as np
from jaxtyping import Float, Int

from qamat_core.indexes.device import place_keys
from qamat_core.indexes.protocol import Found
from qamat_core.qamat.index import compile_encoder, encoder_part
from qamat_core.qamat.reader import Reader
from qamat_core.training.checkpoint import Params
from qamat_core.training.mesh import current_mesh, place
from schemas.qamat import IndexConfig


class Retriever:
    """Encodes questions and memories with the parameters of the moment; compiles once.

    Args:
        reader: whose encoder it is.
        batch_size: rows that are encoded at once.
    """

    def __init__(self, reader: Reader, batch_size: int) -> None:
        self._encoder = compile_encoder(reader.model, IndexConfig(batch_size=batch_size), current_mesh())
        self._query = jax.jit(
            lambda params, tokens: reader.query(params, tokens, 1).vectors[:, 0],
            out_shardings=self._encoder.everywhere,
        )

    def retrieve(
        self,
        params: Params,
        key_tokens: np.ndarray,
        questions: Int[np.ndarray, "E L"],
        k: int,
        banned: Int[np.ndarray, "E R"],
    ) -> Found:
        """Encode a memory and return the best K entries of each question.

        Args:
            params: of the reader.
            key_tokens: [M, W], of all entries.
            questions: tokens of ``[MASK] question``.
            k: how many entries; rows are -1 where there are no more.
            banned: rows that a question must not retrieve; -1 bans nothing.
        """
        params = jax.tree.map(lambda leaf: place(leaf, self._encoder.everywhere), encoder_part(params))
        index = place_keys(self._encode(self._encoder.encode, params, key_tokens))
        return index.search(self.queries(params, questions), k, banned)

    def queries(self, params: Params, questions: Int[np.ndarray, "E L"]) -> Float[np.ndarray, "E D"]:
        """Encode questions."""
        return self._encode(self._query, params, questions)

    def _encode(self, encode: Callable[..., jax.Array], params: Params, tokens: np.ndarray) -> Float[np.ndarray, "N D"]:
        size = self._encoder.batch_size
        parts: list[np.ndarray] = []
        for start in range(0, len(tokens), size):
            rows = tokens[start : start + size].astype(np.int32)
            batch = place(np.pad(rows, ((0, size - len(rows)), (0, 0))), self._encoder.rows)
            parts.append(np.asarray(encode(params, batch).addressable_data(0), np.float32)[: len(rows)])
        return np.concatenate(parts)
