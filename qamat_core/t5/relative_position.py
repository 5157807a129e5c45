"""T5's relative position bias (Raffel et al. 2020, section 2.1): one learned scalar a head and distance bucket."""

from functools import lru_cache

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn
from flax.linen import initializers

from schemas.model import T5Config


def relative_buckets(
    relative_position: np.ndarray, *, bidirectional: bool, num_buckets: int, max_distance: int
) -> np.ndarray:
    """Give the bucket of each relative position (key position minus query position), same shape, int32.

    Half of the buckets hold one exact distance each, the rest grow logarithmically up to ``max_distance``, beyond
    which all share the last one. Bidirectional: the upper half of all buckets is for keys after the query;
    otherwise keys after the query count as distance 0 (they are masked anyway).
    """
    offset = np.zeros_like(relative_position)
    if bidirectional:
        num_buckets //= 2
        offset = (relative_position > 0) * num_buckets
        distance = np.abs(relative_position)
    else:
        distance = np.maximum(-relative_position, 0)
    exact = num_buckets // 2
    growth = np.log(np.maximum(distance, 1) / exact) / np.log(max_distance / exact)
    # The small term keeps a distance that lies exactly on a border in the upper bucket despite rounding.
    logarithmic = exact + np.floor(growth * (num_buckets - exact) + 1e-6).astype(np.int64)
    bucket = np.where(distance < exact, distance, np.minimum(logarithmic, num_buckets - 1))
    return (offset + bucket).astype(np.int32)


@lru_cache
def _bucket_distances(num_buckets: int, max_distance: int) -> tuple[int, ...]:
    """Give each bidirectional bucket's smallest distance; 0 for one that no distance reaches."""
    positions = np.arange(-max_distance, max_distance + 1)
    buckets = relative_buckets(positions, bidirectional=True, num_buckets=num_buckets, max_distance=max_distance)
    reached = [np.abs(positions[buckets == bucket]) for bucket in range(num_buckets)]
    return tuple(int(distances.min()) if distances.size else 0 for distances in reached)


def locality_embedding(config: T5Config) -> np.ndarray:
    """Give ``-locality_start[h] * distance`` as a table [heads, buckets] for the encoder (not in the paper)."""
    distances = np.asarray(_bucket_distances(config.relative_buckets, config.relative_max_distance), np.float32)
    return -np.asarray(config.locality_start, np.float32)[:, None] * distances[None, :]


class RelativePositionBias(nn.Module):
    """The bias that all layers of one stack share; ``rel_embedding`` is [heads, buckets]."""

    config: T5Config
    bidirectional: bool

    def _initial(self) -> initializers.Initializer:
        if self.bidirectional and self.config.locality_start:
            table = locality_embedding(self.config)
            return lambda key, shape, dtype=jnp.float32, **_: jnp.asarray(table, dtype)  # noqa: ARG005
        return initializers.variance_scaling(1.0, "fan_avg", "uniform")

    @nn.compact
    def __call__(self, query_length: int, key_length: int) -> jax.Array:
        """Give the bias [1, heads, query_length, key_length], float32."""
        config = self.config
        table = self.param("rel_embedding", self._initial(), (config.num_heads, config.relative_buckets))
        buckets = relative_buckets(
            np.arange(1 - query_length, key_length + 1),
            bidirectional=self.bidirectional,
            num_buckets=config.relative_buckets,
            max_distance=config.relative_max_distance,
        )
        # A product with the one-hot buckets, as the gradient of a gather would be a slow scatter.
        by_distance = table @ jax.nn.one_hot(buckets, config.relative_buckets, dtype=jnp.float32).T
        return _along_diagonals(by_distance, query_length, key_length)[None]


def _along_diagonals(by_distance: jax.Array, query_length: int, key_length: int) -> jax.Array:
    """Spread what belongs to each distance, [heads, query_length + key_length], over [heads, queries, keys].

    The distances are those from 1 - query_length on. Rows that are one shorter than what repeats move it on by one.
    """
    heads, period = by_distance.shape
    repeated = jnp.tile(by_distance, query_length)[:, query_length - 1 : -1]
    return repeated.reshape(heads, query_length, period - 1)[:, :, :key_length]
