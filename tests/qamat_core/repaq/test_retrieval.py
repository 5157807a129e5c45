"""The memory is searched with the encoder of the moment."""

import jax
import numpy as np

from qamat_core.indexes.oracle import Oracle
from qamat_core.repaq.retrieval import Retriever
from tests.qamat_core.qamat import tiny

QUESTIONS = tiny.inputs([f"<extra_id_0> Where does {name} live?" for name in tiny.PEOPLE], 14)

_encode = jax.jit(lambda params, tokens: tiny.reader().model.apply({"params": params}, tokens, method="encode"))


def test_entries_are_those_of_exact_search_and_none_is_banned():
    retriever, keys = Retriever(tiny.reader(), 4), tiny.entries().key_tokens
    banned = np.arange(10)[:, None]
    for scale in (1.0, 1.3):
        params = jax.tree.map(lambda leaf, scale=scale: scale * leaf, tiny.params())
        found = retriever.retrieve(params, keys, QUESTIONS, 9, banned)
        vectors = _encode(params, keys.astype(np.int32))
        wanted = Oracle(np.asarray(vectors)[:, 0]).search(retriever.queries(params, QUESTIONS), 9, banned)
        np.testing.assert_array_equal(found.rows, wanted.rows)
        np.testing.assert_allclose(found.scores, wanted.scores, rtol=1e-4, atol=1e-4)
        assert not (found.rows == banned).any()
