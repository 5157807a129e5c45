"""The latent loss by hand, and that both encoders and the head learn from it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from qamat_core.repaq.objectives import latent_loss, repaq_loss, reranker_loss
from qamat_core.repaq.reranker import HEAD, with_head
from tests.qamat_core.qamat import tiny


def test_the_loss_is_minus_the_log_of_what_right_entries_have_of_all_that_were_retrieved():
    scores = jnp.array([[1.0, 2.0, 0.5, 9.0], [0.0, -1.0, 3.0, 1.0]])
    states = jnp.array([[1, 0, 1, -1], [0, 1, 0, 0]])
    loss, metrics = latent_loss(scores, states)
    first = (np.exp(1) + np.exp(0.5)) / (np.exp(1) + np.exp(2) + np.exp(0.5))
    second = np.exp(-1) / np.exp([0, -1, 3, 1]).sum()
    assert loss == pytest.approx(-(np.log(first) + np.log(second)) / 2, rel=1e-5)
    assert metrics["recall_at_1"] == 0
    assert latent_loss(scores, states.at[0, 1].set(1))[1]["recall_at_1"] == 0.5


@pytest.mark.parametrize("ranked", [False, True])
def test_gradients_reach_all_that_is_read_by(ranked: bool):
    reader, entries = tiny.reader(), tiny.entries()
    loss = reranker_loss(reader, 0.5) if ranked else repaq_loss(reader)
    rows = np.array([[0, 1, 2], [3, 4, 0]])
    tokens = entries.value_tokens if ranked else entries.key_tokens
    batch = {
        "inputs": tiny.inputs(["<extra_id_0> Where does Ada live?", "<extra_id_0> Where does Edda live?"], 14),
        "entries": tokens[rows].astype(np.int32),
        "states": np.array([[1, 0, 0], [0, 1, -1]]),
        "scores": np.zeros((2, 3), np.float32),
    }
    params = with_head(tiny.params(), 16)
    gradients = jax.jit(jax.grad(lambda given: loss(given, batch, jax.random.key(0))[0]))(params)
    reached = {name for name, part in gradients.items() if any(np.any(leaf) for leaf in jax.tree.leaves(part))}
    assert reached == {"encoder", "token_embedder", *([HEAD] if ranked else [])}
