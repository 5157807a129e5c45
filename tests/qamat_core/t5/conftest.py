from collections.abc import Callable
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax.traverse_util import unflatten_dict

from qamat_core.t5.conversion import parameter_shapes
from qamat_core.t5.decoding import call
from qamat_core.t5.network import T5
from schemas.model import T5Config

TINY = T5Config(
    vocab_size=23,
    d_model=16,
    num_heads=2,
    head_dim=6,
    d_ff=20,
    num_encoder_layers=1,
    num_decoder_layers=1,
    tie_embeddings=True,
)


def random_params(config: T5Config) -> dict[str, Any]:
    """Random parameters without a compilation of the initialiser."""
    rng = np.random.default_rng(1)

    def one(path: tuple[str, ...], shape: tuple[int, ...]) -> jax.Array:
        scale = {"kernel": shape[0] ** -0.5, "scale": 0.2}.get(path[-1], 1.0)
        return jnp.asarray(rng.normal(float(path[-1] == "scale"), scale, shape), jnp.float32)

    return unflatten_dict({path: one(path, shape) for path, shape in parameter_shapes(config).items()})


@pytest.fixture(scope="session")
def tiny() -> Callable[..., tuple[T5, Any]]:
    """Gives a tiny model and random parameters for changes of the configuration."""

    @cache
    def make(**changes: Any) -> tuple[T5, Any]:
        config = TINY.model_copy(update=changes)
        return T5(config), random_params(config)

    return make


@pytest.fixture(scope="session")
def run() -> Callable[..., Any]:
    """Calls a method of a model: ``run(model, params, method, *args)``, compiled once a shape."""
    return jax.jit(call, static_argnums=(0, 2))


@pytest.fixture(scope="session")
def source() -> jax.Array:
    """Tokens [4, 9], some padded."""
    tokens = np.random.default_rng(3).integers(2, TINY.vocab_size, (4, 9))
    tokens[1, 6:] = 0
    tokens[2, 1:] = 0
    return jnp.asarray(tokens, jnp.int32)
