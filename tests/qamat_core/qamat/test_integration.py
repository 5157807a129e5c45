"""Entries reach the decoder as the paper says: best nearest to X, hidden ones as padding, values at the masks."""

import jax
import jax.numpy as jnp
import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from qamat_core.qamat.integration import add_neural, combine, mark_ranks, prepend_entries, visible_slots
from tests.qamat_core.qamat import tiny

TOKENS = npst.arrays(np.int32, (2, 4), elements=st.integers(1, 99))
ENTRIES = npst.arrays(np.int32, (2, 3, 5), elements=st.integers(1, 99))


@tiny.compiled
@given(TOKENS, ENTRIES, npst.arrays(np.float32, (2, 3), elements=st.sampled_from([0.0, 1.0])))
def test_the_best_entry_stands_nearest_to_the_input(tokens: np.ndarray, entries: np.ndarray, visible: np.ndarray):
    extended = np.asarray(prepend_entries(jnp.asarray(tokens), jnp.asarray(entries), jnp.asarray(visible)))
    assert extended.shape == (2, 3 * 5 + 4)
    for row in range(2):
        third, second, first = (entries[row, rank] if visible[row, rank] else [0] * 5 for rank in (2, 1, 0))
        assert extended[row].tolist() == [*third, *second, *first, *tokens[row]]


FLOATS = st.floats(-5, 5, width=32)


@tiny.compiled
@given(
    npst.arrays(np.float32, (6, 4), elements=FLOATS),
    st.lists(st.integers(0, 5), min_size=3, max_size=3),
    npst.arrays(np.float32, (3, 2), elements=st.floats(0, 1, width=32)),
    npst.arrays(np.float32, (2, 4), elements=FLOATS),
)
def test_values_are_added_at_every_mask_once(
    encoded: np.ndarray, positions: list[int], weights: np.ndarray, values: np.ndarray
):
    result = add_neural(*(jnp.asarray(array)[None] for array in (encoded, positions, weights, values)))[0]
    expected = encoded.copy()
    for place in set(positions):
        expected[place] += weights[positions.index(place)] @ values
    np.testing.assert_allclose(result, expected, atol=1e-5)


def test_the_neural_part_is_padded_in_front():
    neural, discrete = jnp.ones((1, 2, 3)), jnp.full((1, 5, 3), 10.0)
    assert combine(neural, discrete, 0.5)[0, :, 0].tolist() == [5, 5, 5, 6, 6]


def test_varied_slots_are_the_first_1_to_k():
    visible = np.asarray(visible_slots(jax.random.key(0), 200, 4, vary=True))
    shown = visible.sum(axis=1)
    assert set(shown) == {1, 2, 3, 4}
    np.testing.assert_array_equal(visible, np.arange(4) < shown[:, None])
    assert visible_slots(jax.random.key(0), 3, 4, vary=False).tolist() == [[1] * 4] * 3


def test_marked_entries_tell_their_rank_instead_of_cls():
    entries = tiny.entries().value_tokens[np.array([[4, 7, 1]])].astype(np.int32)
    marked = np.asarray(mark_ranks(jnp.asarray(entries)))
    assert marked[0, :, 0].tolist() == [tiny.tokenizer().sentinel(99 - rank) for rank in range(3)]
    np.testing.assert_array_equal(marked[..., 1:], entries[..., 1:])
    extended = tiny.reader(rank_marks=True).extend(jnp.ones((1, 4), jnp.int32), jnp.asarray(entries), jnp.ones((1, 3)))
    np.testing.assert_array_equal(extended[0, :-4], marked[0, ::-1].ravel())
