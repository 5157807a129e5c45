from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

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


@pytest.fixture(scope="session")
def tiny() -> Callable[..., tuple[T5, Any]]:
    """Gives a tiny model and random parameters for changes of the configuration."""
    made: dict[T5Config, tuple[T5, Any]] = {}

    def make(**changes: Any) -> tuple[T5, Any]:
        config = TINY.model_copy(update=changes)
        if config not in made:
            tokens = jnp.zeros((1, 2), jnp.int32)
            model = T5(config)
            made[config] = model, jax.jit(model.init)(jax.random.key(1), tokens, tokens)["params"]
        return made[config]

    return make


@pytest.fixture(scope="session")
def source() -> jax.Array:
    """Tokens [4, 9], some padded."""
    tokens = np.random.default_rng(3).integers(2, TINY.vocab_size, (4, 9))
    tokens[1, 6:] = 0
    tokens[2, 1:] = 0
    return jnp.asarray(tokens, jnp.int32)
