"""The pointer head's distribution."""

import jax
import jax.numpy as jnp
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from qamat_core.t5.attention import MASKED
from qamat_core.t5.pointer import mix, scatter

VOCAB = 7
compiled_mix = jax.jit(mix)


def arrays(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    logits, scores = rng.normal(0, 3, (2, 3, VOCAB)), rng.normal(0, 3, (2, 3, 5))
    return logits.astype(np.float32), scores.astype(np.float32), rng.integers(0, VOCAB, (2, 5)).astype(np.int32)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 2**32 - 1))
def test_one_softmax_over_vocabulary_and_positions(seed):
    logits, scores, tokens = arrays(seed)
    expected = np.exp(logits)
    for row, ids in enumerate(tokens):
        for place, token in enumerate(ids):
            expected[row, :, token] += np.exp(scores[row, :, place])
    expected /= expected.sum(-1, keepdims=True)
    ours = np.exp(compiled_mix(logits, scores, tokens))
    np.testing.assert_allclose(ours, expected, rtol=1e-4)
    np.testing.assert_allclose(ours.sum(-1), 1, rtol=1e-5)


def test_a_high_score_copies_its_token_and_masked_positions_add_nothing():
    logits, scores, tokens = arrays(0)
    tokens[:] = [2, 3, 4, 5, 6]
    copying = np.exp(compiled_mix(logits, scores + 50 * (np.arange(5) == 3), tokens))
    np.testing.assert_allclose(copying[..., 5], 1, atol=1e-6)
    masked = compiled_mix(logits, np.full_like(scores, MASKED), tokens)
    np.testing.assert_allclose(masked, jax.nn.log_softmax(logits), atol=1e-5)


def test_extreme_scores_keep_values_and_gradients_finite():
    logits, scores, tokens = arrays(1)

    def loss(logits, scores):
        return -jax.nn.log_softmax(mix(logits, scores, tokens))[..., 0].mean()

    values, gradients = jax.jit(jax.value_and_grad(loss, argnums=(0, 1)))(logits * 1e4, scores * 1e4)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves((values, gradients)))


def test_scatter_adds_repeated_tokens():
    weights = jnp.asarray([[[1.0, 2.0, 4.0]]])
    np.testing.assert_array_equal(scatter(weights, jnp.asarray([[3, 1, 3]]), 4), [[[0, 2, 0, 5]]])


def test_a_model_with_the_head_gives_normalised_log_probabilities(tiny, run, source):
    model, params = tiny(pointer_head=True)
    logprobs = run(model, params, "__call__", source, source[:, :4])
    np.testing.assert_allclose(jax.nn.logsumexp(logprobs, axis=-1), 0, atol=1e-5)


def test_the_head_reads_the_position_before(tiny, run, source):
    """A source row's key changes with the row before it, which is zero at the start and after padding."""
    model, params = tiny(pointer_head=True)

    encoded = jax.random.normal(jax.random.key(0), (*source.shape, model.config.d_model))
    before, after = (
        run(model, params, "source", each, source).pointer_keys for each in (encoded, encoded.at[0, 3].add(1.0))
    )
    changed = np.abs(np.asarray(after - before)).max(-1) > 1e-3
    assert np.argwhere(changed).tolist() == [[0, 3], [0, 4]]
