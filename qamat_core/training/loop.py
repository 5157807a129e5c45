"""The training loop: steps, the curve, and resumption after a crash.

The batch of a step is a function of the step's number, so a resumed run sees the batches that an unbroken one sees.
"""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import jax
import orbax.checkpoint as ocp

from qamat_core import progress
from qamat_core.training.checkpoint import Params
from qamat_core.training.mesh import current_mesh, gather, place_batch
from qamat_core.training.optimizer import build_optimizer
from qamat_core.training.step import Batch, LossFn, Metrics, compile_step, init_state
from schemas.errors import TrainingError
from schemas.training import TrainingConfig


class Trained(NamedTuple):
    """The last parameters and the training curve (one entry every ``log_every`` steps)."""

    params: Params
    history: list[dict[str, float]]


def train(
    stage: str,
    config: TrainingConfig,
    params: Params,
    loss_fn: LossFn,
    batches: Callable[[int], Batch],
    work: Path,
) -> Trained:
    """Train for ``config.steps`` steps and return the last parameters.

    Args:
        stage: name shown with the progress.
        config: steps, optimiser, seed.
        params: where to start; the whole tree is updated.
        loss_fn: differentiated by its first argument and compiled once: batches must keep their shapes.
        batches: returns the batch of a step, counted from 0.
        work: keeps resumable checkpoints while the stage runs.

    Raises:
        TrainingError: the loss is not finite; names the step.
    """
    mesh = current_mesh()
    optimizer = build_optimizer(config.optimizer, config.steps)
    step_fn = compile_step(optimizer, loss_fn, config.accumulate)
    state = init_state(optimizer, params, mesh)
    with _checkpoints(work / "resume", config.save_every) as manager:
        state, history, start = _restore(manager, state)
        key = jax.random.key(config.seed)
        for done in range(start + 1, config.steps + 1):
            batch = place_batch(batches(done - 1), mesh)
            state, metrics = step_fn(state, batch, jax.random.fold_in(key, done - 1))
            if done % config.log_every == 0 or done == config.steps:
                history.append({"step": done, **_finite(stage, done, metrics)})
                progress.report(stage, done, config.steps, history[-1])
            if done % config.save_every == 0 and done < config.steps:
                _save(manager, done, state, history)
    return Trained(gather(state["params"], mesh), history)


def _finite(stage: str, step: int, metrics: Metrics) -> dict[str, float]:
    point = {name: round(float(value), 6) for name, value in metrics.items()}
    if not math.isfinite(point["loss"]):
        raise TrainingError(f"{stage}: the loss is {point['loss']} at step {step}; lower the learning rate")
    return point


def _checkpoints(directory: Path, every: int) -> ocp.CheckpointManager:
    return ocp.CheckpointManager(
        directory.absolute(),
        item_names=("state", "history"),
        options=ocp.CheckpointManagerOptions(max_to_keep=1, save_interval_steps=every, create=True),
    )


def _save(manager: ocp.CheckpointManager, step: int, state: dict[str, Any], history: list[dict[str, float]]) -> None:
    points = ocp.args.JsonSave({"points": list(history)})  # written in the background while the curve grows
    manager.save(step, args=ocp.args.Composite(state=ocp.args.StandardSave(state), history=points))


def _restore(
    manager: ocp.CheckpointManager, fresh: dict[str, Any]
) -> tuple[dict[str, Any], list[dict[str, float]], int]:
    """Return state, curve and step of the newest checkpoint; the fresh state at step 0 if there is none."""
    step = manager.latest_step()
    if step is None:
        return fresh, [], 0
    items = ocp.args.Composite(state=ocp.args.StandardRestore(fresh), history=ocp.args.JsonRestore())
    restored = manager.restore(step, args=items)
    return restored["state"], restored["history"]["points"], step
