"""Exact top-k of wide columns: maxima of small groups first, then a sort of the chosen groups alone.

``jax.lax.top_k`` over a wide row is slow on a CPU. Of M scores the best k lie in the k groups with the greatest
maxima, so a maximum (which is vectorised) takes most of the work (as in TPU-KNN, arXiv 2206.14286, with exact results).
"""

from typing import Final

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

_GROUP: Final = 16


def best_rows(scores: Float[Array, "M N"], k: int) -> Int[Array, "N K"]:
    """Return the rows of the K <= M greatest scores of each column, greatest first, the lower of equal ones first."""
    rows, columns = scores.shape
    if rows <= 2 * _GROUP * k:
        return jax.lax.top_k(scores.T, k)[1]
    groups = jnp.pad(scores, ((0, -rows % _GROUP), (0, 0)), constant_values=-jnp.inf).reshape(-1, _GROUP, columns)
    chosen = jnp.sort(best_rows(groups.max(axis=1), k), axis=1)
    candidates = (chosen[..., None] * _GROUP + jnp.arange(_GROUP)).reshape(columns, -1)
    found = groups.at[chosen, :, jnp.arange(columns)[:, None]].get(mode="promise_in_bounds").reshape(columns, -1)
    return jnp.take_along_axis(candidates, jax.lax.top_k(found, k)[1], axis=1)
