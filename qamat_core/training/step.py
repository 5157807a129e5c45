"""One training step: loss, gradient (of the whole batch or of micro-batches), update; compiled for a mesh."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jax.sharding import Mesh, PartitionSpec
from jaxtyping import Array, Float, Int

from qamat_core.training.checkpoint import Params
from qamat_core.training.loader import Batch
from qamat_core.training.mesh import place
from qamat_core.training.metrics import Metrics
from qamat_core.training.partitioning import DATA, state_shardings
from schemas.errors import ConfigError

LossFn = Callable[[Params, Batch, Array], tuple[Array, Metrics]]
"""(parameters, batch, random key) -> (scalar loss, scalar metrics).

A mean over the target tokens, or over the known ones of ``positives`` or ``first``, divides by ``total_of``: for a
micro-batch that is its share of the whole batch's, so that the mean over micro-batches is the whole batch's loss.
"""
State = dict[str, Any]
"""``params`` and ``optimizer``."""
MEMORY = "memory"
"""The part of a batch that is on its devices already and belongs to every micro-batch."""
_TOTALS = "totals"
_COUNTED = ("targets", "positives", "first")


def token_loss(
    logits: Float[Array, "B T V"],
    targets: Int[Array, "B T"],
    z_loss: float = 0.0,
    total: Float[Array, ""] | None = None,
) -> Float[Array, ""]:
    """Return the mean cross entropy over the target tokens that are not padding, plus ``z_loss * log(Z)^2``.

    ``total`` divides the sum in the place of the number of those tokens.
    """
    mask = targets != 0
    log_z = jax.nn.logsumexp(logits, axis=-1)
    picked = _picked(logits, targets)
    losses = (log_z - picked) + z_loss * log_z**2
    return jnp.sum(losses * mask) / (jnp.maximum(jnp.sum(mask), 1) if total is None else total)


@jax.custom_jvp
def _picked(logits: Array, targets: Array) -> Array:
    """Return the targets' logits; the gradient compares, as that of a gather would be a slow scatter into zeros."""
    return jnp.take_along_axis(logits, targets[..., None], axis=-1)[..., 0]


@_picked.defjvp
def _picked_jvp(primals: tuple[Array, Array], tangents: tuple[Array, Array]) -> tuple[Array, Array]:
    logits, targets = primals
    here = jnp.arange(logits.shape[-1]) == targets[..., None]
    return _picked(logits, targets), jnp.sum(jnp.where(here, tangents[0], 0.0), axis=-1)


def total_of(batch: Batch, name: str) -> Float[Array, ""] | None:
    """Return what divides a sum over what counts of ``name``; None for how much of it the batch has."""
    return batch.get(_TOTALS, {}).get(name)


def init_state(optimizer: optax.GradientTransformation, params: Params, mesh: Mesh) -> State:
    """Return parameters and a fresh optimiser's state, divided over the mesh."""
    divided = state_shardings(params, params, mesh)
    placed = jax.tree.map(lambda leaf, sharding: jnp.copy(place(leaf, sharding)), params, divided)  # to be given away
    shapes = jax.eval_shape(optimizer.init, params)
    beside = jax.jit(optimizer.init, out_shardings=state_shardings(shapes, params, mesh))(placed)
    return {"params": placed, "optimizer": beside}


def compile_step(
    optimizer: optax.GradientTransformation, loss_fn: LossFn, accumulate: int = 1
) -> Callable[[State, Batch, Array], tuple[State, Metrics]]:
    """Return the compiled step, (state, batch, random key) -> (state, metrics); it gives away the state's memory.

    Args:
        optimizer: updates the parameters.
        loss_fn: differentiated by the parameters.
        accumulate: so many micro-batches one after the other make up the gradient of a batch.
    """
    gradient_of = jax.value_and_grad(loss_fn, has_aux=True)

    def step(state: State, batch: Batch, key: Array) -> tuple[State, Metrics]:
        if accumulate == 1:
            (loss, metrics), gradients = gradient_of(state["params"], batch, key)
        else:
            (loss, metrics), gradients = _accumulated(gradient_of, state["params"], batch, key, accumulate)
        updates, optimizer_state = optimizer.update(gradients, state["optimizer"], state["params"])
        params = optax.apply_updates(state["params"], updates)
        return {"params": params, "optimizer": optimizer_state}, {"loss": loss, **metrics}

    return jax.jit(step, donate_argnums=0)


def _accumulated(
    gradient_of: Callable[..., Any], params: Params, batch: Batch, key: Array, count: int
) -> tuple[tuple[Array, Metrics], Any]:
    """Return the mean over micro-batches of loss, metrics and gradients."""
    memory = {name: part for name, part in batch.items() if name == MEMORY}
    parts = {name: _split(name, part, count) for name, part in batch.items() if name != MEMORY}
    totals = {_TOTALS: {name: _counting(name, batch[name]) / count for name in _COUNTED if name in batch}}

    def add(total: Any, part: tuple[Batch, Array]) -> tuple[Any, None]:
        rows, number = part
        found = gradient_of(params, {**rows, **memory, **totals}, jax.random.fold_in(key, number))
        return jax.tree.map(jnp.add, total, found), None

    empty = jax.tree.map(
        lambda leaf: jnp.zeros(leaf.shape, leaf.dtype),
        jax.eval_shape(gradient_of, params, {**jax.tree.map(lambda part: part[0], parts), **memory, **totals}, key),
    )
    total, _ = jax.lax.scan(add, empty, (parts, jnp.arange(count)))
    return jax.tree.map(lambda leaf: leaf / count, total)


def _counting(name: str, rows: Array) -> Array:
    """Return how much of a part of a batch counts: tokens that are not padding, entries that are known."""
    return jnp.maximum(jnp.sum(rows != 0 if name == "targets" else rows >= 0), 1)


def _split(name: str, rows: Array, count: int) -> Array:
    """Cut rows into micro-batches, each of which is spread over the devices as the whole batch was."""
    if len(rows) % count:
        raise ConfigError(f"accumulate {count} does not divide the batch's {len(rows)} rows of {name}: change either")
    cut = rows.reshape(len(rows) // count, count, *rows.shape[1:]).swapaxes(0, 1)
    mesh = jax.sharding.get_abstract_mesh()
    if DATA not in mesh.axis_names:
        return cut
    return jax.lax.with_sharding_constraint(cut, PartitionSpec(None, DATA))
