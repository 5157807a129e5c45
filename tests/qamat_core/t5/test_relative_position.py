"""Distance buckets, and the locality start."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qamat_core.t5.relative_position import RelativePositionBias, relative_buckets
from schemas.model import T5Config


def bucket(position: int, *, bidirectional: bool, buckets: int, largest: int) -> int:
    """T5's definition, one position at a time."""
    offset, distance = 0, max(-position, 0)
    if bidirectional:
        buckets //= 2
        offset, distance = (buckets if position > 0 else 0), abs(position)
    exact = buckets // 2
    if distance < exact:
        return offset + distance
    # floor(log(distance / exact) / log(largest / exact) * rest) by counting the borders passed, without rounding
    rest = buckets - exact
    passed = sum((distance / exact) ** rest >= (largest / exact) ** k * (1 - 1e-9) for k in range(1, rest + 1))
    return offset + min(exact + passed, buckets - 1)


@given(
    position=st.integers(-2000, 2000),
    bidirectional=st.booleans(),
    buckets=st.sampled_from([4, 8, 32]),
    largest=st.sampled_from([17, 20, 64, 128]),
)
def test_buckets_are_t5s(position, bidirectional, buckets, largest):
    options = {"num_buckets": buckets, "max_distance": largest}
    ours = relative_buckets(np.array([position]), bidirectional=bidirectional, **options)
    assert ours[0] == bucket(position, bidirectional=bidirectional, buckets=buckets, largest=largest)


@pytest.mark.live
@pytest.mark.parametrize("bidirectional", [True, False])
def test_buckets_equal_the_reference_live(bidirectional):
    torch = pytest.importorskip("torch", reason="the live comparison needs the extra `parity`")
    t5 = pytest.importorskip("transformers.models.t5.modeling_t5")
    positions = np.arange(-600, 601)
    theirs = t5.T5Attention._relative_position_bucket(torch.tensor(positions), bidirectional, 32, 128)
    ours = relative_buckets(positions, bidirectional=bidirectional, num_buckets=32, max_distance=128)
    np.testing.assert_array_equal(ours, theirs.numpy())


def bias(config: T5Config, *, bidirectional: bool) -> np.ndarray:
    module = RelativePositionBias(config, bidirectional)
    params = module.init(jax.random.key(0), 1, 1)
    return np.asarray(module.apply(params, 40, 40))[0]


def test_locality_start_penalises_distance_in_the_encoder_by_each_heads_slope():
    config = T5Config(num_heads=3, locality_start=(1.0, 0.4, 0.0))
    near, gentle, none = bias(config, bidirectional=True)
    distance = np.abs(np.arange(40)[None] - np.arange(40)[:, None])
    exact = distance < 8
    np.testing.assert_allclose(near[exact], -distance[exact])
    np.testing.assert_allclose(gentle, 0.4 * near, rtol=1e-6)
    assert (none == 0).all()
    assert (-near <= distance).all()
    assert (-near[~exact] * math.sqrt(2) + 1 > distance[~exact]).all()


def test_locality_start_leaves_the_decoder_alone():
    plain, local = T5Config(num_heads=1), T5Config(num_heads=1, locality_start=(1.0,))
    np.testing.assert_array_equal(bias(plain, bidirectional=False), bias(local, bidirectional=False))
    assert not np.allclose(bias(plain, bidirectional=True), bias(local, bidirectional=True))


def test_the_bias_depends_on_the_distance_only():
    values = bias(T5Config(num_heads=2), bidirectional=True)
    assert values.shape == (2, 40, 40)
    np.testing.assert_array_equal(values[:, 1:, 1:], values[:, :-1, :-1])
    assert values.dtype == jnp.float32
