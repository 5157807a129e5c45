"""Schedules have the shapes that their names promise; optimisers follow T5X's settings."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from qamat_core.training.optimizer import PARTS, build_optimizer, build_schedule
from schemas.training import OptimizerConfig, Part, TrainingConfig


def test_cosine_warms_up_and_ends_at_zero():
    schedule = build_schedule(OptimizerConfig(learning_rate=1.0, schedule="cosine", warmup_steps=10), 100)
    assert [float(schedule(step)) for step in (0, 5, 10, 100)] == pytest.approx([0, 0.5, 1, 0])


def test_constant_warms_up_and_stays():
    schedule = build_schedule(OptimizerConfig(learning_rate=0.5, warmup_steps=4), 100)
    assert [float(schedule(step)) for step in (0, 2, 4, 99)] == pytest.approx([0, 0.25, 0.5, 0.5])


def test_rsqrt_is_t5s():
    schedule = build_schedule(OptimizerConfig(learning_rate=1.0, schedule="rsqrt", warmup_steps=100), 1000)
    assert [float(schedule(step)) for step in (0, 99, 399)] == pytest.approx([0.1, 0.1, 0.05])


def test_gradients_are_clipped_by_their_global_norm():
    config = OptimizerConfig(learning_rate=1.0, clip_norm=1.0)
    clipped, plain = (build_optimizer(c, 10) for c in (config, config.model_copy(update={"clip_norm": None})))
    params = {"w": jnp.zeros(2)}
    for size in (10.0, 1000.0):
        gradients = {"w": jnp.array([3.0, 4.0]) * size}
        unit = {"w": jnp.array([0.6, 0.8])}
        given, _ = clipped.update(gradients, clipped.init(params), params)
        expected, _ = plain.update(unit, plain.init(params), params)
        np.testing.assert_allclose(given["w"], expected["w"], rtol=1e-5)


def test_adafactor_steps_by_the_parameters_scale():
    optimizer = build_optimizer(OptimizerConfig(name="adafactor", learning_rate=0.1), 10)
    params = {"w": jnp.full((4,), 2.0)}
    updates, _ = optimizer.update({"w": jnp.ones(4)}, optimizer.init(params), params)
    stepped = optax.apply_updates(params, updates)
    np.testing.assert_allclose(stepped["w"], 2.0 - 0.1 * 2.0, rtol=1e-4)


@pytest.mark.parametrize("name", ["adamw", "adafactor"])
@pytest.mark.parametrize("frozen", [("encoder",), ("decoder", "embeddings")])
def test_frozen_parts_keep_their_bits_and_have_no_state(name: Any, frozen: tuple[Part, ...]):
    config = OptimizerConfig(name=name, learning_rate=0.1, weight_decay=0.1, clip_norm=1.0)
    params = {part: {"w": jnp.array([-0.0, 0.0, 1e-30, -2.0])} for part in ("encoder", "decoder", "token_embedder")}
    kept = {PARTS[part] for part in frozen}
    optimizer = build_optimizer(config, 10, frozen)
    state = optimizer.init(params)
    updates, _ = optimizer.update(jax.tree.map(jnp.ones_like, params), state, params)
    stepped = optax.apply_updates(params, updates)
    for part, after in stepped.items():
        assert (after["w"].tobytes() == params[part]["w"].tobytes()) == (part in kept)
    paths = [jax.tree_util.keystr(path) for path, _ in jax.tree_util.tree_leaves_with_path(state)]
    assert paths
    assert not any(part in path for path in paths for part in kept)
    # What is updated moves as if the rest were not there: it alone has a norm that is clipped.
    alone = {part: leaf for part, leaf in params.items() if part not in kept}
    plain = build_optimizer(config, 10)
    expected, _ = plain.update(jax.tree.map(jnp.ones_like, alone), plain.init(alone), alone)
    jax.tree.map(np.testing.assert_array_equal, {part: updates[part] for part in alone}, expected)


def test_a_stage_that_trains_nothing_is_refused():
    with pytest.raises(ValueError, match="frozen is decoder, encoder, embeddings: nothing is left to train"):
        TrainingConfig(steps=1, batch_size=1, frozen=("decoder", "encoder", "embeddings"))
