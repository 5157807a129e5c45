"""The re-ranker decides the order of what was found, and of nothing else."""

import jax.numpy as jnp
import numpy as np

from qamat_core.indexes.protocol import Found
from qamat_core.repaq.reranker import HEAD, rerank, score_pairs, with_head
from tests.qamat_core.qamat import tiny

QUESTIONS = tiny.inputs([f"<extra_id_0> Where does {name} live?" for name in tiny.PEOPLE[:2]], 14)
FOUND = Found(np.array([[0, 3, 5], [2, 1, -1]]), np.array([[3.0, 2.0, 1.0], [2.0, 1.0, -np.inf]]))


def test_what_was_found_is_ordered_by_the_head():
    reader, values, params = tiny.reader(), tiny.entries().value_tokens, with_head(tiny.params(), 16)
    ranked = rerank(reader, params, QUESTIONS, values, FOUND, 4, 0)
    for line, found, scores, question in zip(ranked.rows, FOUND.rows, ranked.scores, QUESTIONS, strict=True):
        real = line[line >= 0]
        assert sorted(line) == sorted(found)
        asked, read = jnp.tile(question, (len(real), 1)), jnp.asarray(values[real], jnp.int32)
        wanted = np.asarray(score_pairs(reader, params, asked, read))
        np.testing.assert_allclose(scores[: len(real)], wanted, atol=1e-5)
        assert (np.diff(wanted) < 0).all()
    assert (ranked.rows[1, 2], ranked.scores[1, 2]) == (-1, -np.inf)
    turned = rerank(reader, {**params, HEAD: {"kernel": -params[HEAD]["kernel"]}}, QUESTIONS, values, FOUND, 4, 0)
    assert turned.rows[0].tolist() == ranked.rows[0].tolist()[::-1]


def test_the_retrievers_score_counts_as_it_is_weighed():
    reader, values, params = tiny.reader(), tiny.entries().value_tokens, with_head(tiny.params(), 16)
    ranked = rerank(reader, params, QUESTIONS, values, FOUND, 4, 1000.0)
    np.testing.assert_array_equal(ranked.rows, FOUND.rows)
