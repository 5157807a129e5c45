"""Optimisers and learning-rate schedules, built from their configuration."""

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Any, Final

import jax
import jax.numpy as jnp
import optax

from schemas.training import OptimizerConfig, Part

PARTS: Final[Mapping[Part, str]] = MappingProxyType(
    {"encoder": "encoder", "decoder": "decoder", "embeddings": "token_embedder"}
)
"""Part of a T5 -> where its parameters stand at the top of the tree."""


def build_schedule(config: OptimizerConfig, steps: int) -> optax.Schedule:
    """Return learning rate by step, with a linear warm-up."""
    rate, warmup = config.learning_rate, config.warmup_steps
    if config.schedule == "cosine":
        return optax.warmup_cosine_decay_schedule(0.0, rate, warmup, max(steps, warmup + 1))
    if config.schedule == "rsqrt":
        return lambda step: rate / optax.safe_increment(step).clip(max(warmup, 1)) ** 0.5  # pyright: ignore[reportAttributeAccessIssue]
    if warmup:
        return optax.linear_schedule(0.0, rate, warmup)
    return optax.constant_schedule(rate)


def build_optimizer(config: OptimizerConfig, steps: int, frozen: Collection[Part] = ()) -> optax.GradientTransformation:
    """Return the optimiser for a stage of ``steps`` steps; it leaves the ``frozen`` parts of a T5 as they are.

    Adafactor is set as T5X sets it: decay 0.8, no momentum, updates clipped at 1.0, step size scaled by the
    parameters' root mean square.
    """
    schedule = build_schedule(config, steps)
    if config.name == "adafactor":
        core = optax.adafactor(
            schedule,
            decay_rate=0.8,
            momentum=None,
            clipping_threshold=1.0,
            multiply_by_parameter_scale=True,
            weight_decay_rate=config.weight_decay or None,
        )
    else:
        core = optax.adamw(schedule, weight_decay=config.weight_decay)
    clip = [optax.clip_by_global_norm(config.clip_norm)] if config.clip_norm else []
    whole = optax.chain(*clip, core)
    if not frozen:
        return whole
    names = {PARTS[part] for part in frozen}
    return optax.partition(
        {"frozen": optax.stateless(_unmoved), "updated": whole},
        lambda params: {name: "frozen" if name in names else "updated" for name in params},
    )


def _unmoved(gradients: Any, params: Any) -> Any:
    """Return -0: added to any number, -0 itself among them, it gives the same bits."""
    del params
    return jax.tree.map(lambda leaf: jnp.full_like(leaf, -0.0), gradients)
