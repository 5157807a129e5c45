"""The largest values by blocks are those of top_k, places included."""

import jax
import jax.numpy as jnp
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from qamat_core.t5.largest import largest


@settings(max_examples=40, deadline=None)
@given(
    width=st.sampled_from([6, 64, 130, 640, 1100]),
    count=st.sampled_from([1, 3, 5]),
    levels=st.sampled_from([1, 2, 9, 10_000]),
    seed=st.integers(0, 2**16),
)
def test_values_and_places_are_those_of_top_k(width, count, levels, seed):
    """With few levels nearly all values are equal; -inf may stand among them."""
    values = np.random.default_rng(seed).integers(0, levels, (2, 3, width)).astype(np.float32)
    values[values == levels // 2] = -np.inf
    for ours, theirs in zip(largest(jnp.asarray(values), count), jax.lax.top_k(values, count), strict=True):
        np.testing.assert_array_equal(ours, theirs)
