"""The training loop: steps, the curve, and resumption after a crash.

The batch of a step is a function of the step's number, so a resumed run sees the batches that an unbroken one sees.
"""

from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import jax

from qamat_core.training.checkpoint import Params
from qamat_core.training.loader import BatchOf, batch_stream
from qamat_core.training.mesh import current_mesh, gather, place_batch
from qamat_core.training.metrics import Curve, NotLearningError, Point, all_finite
from qamat_core.training.optimizer import build_optimizer
from qamat_core.training.resume import Resumed, ResumePoints
from qamat_core.training.step import LossFn, compile_step, init_state
from schemas.errors import TrainingError
from schemas.training import TrainingConfig


class Trained(NamedTuple):
    """The last parameters and the training curve (one point every ``log_every`` steps)."""

    params: Params
    history: list[Point]


def train(
    stage: str,
    config: TrainingConfig,
    params: Params,
    loss_fn: LossFn,
    batches: BatchOf,
    work: Path,
    until: int | None = None,
) -> Trained:
    """Train for ``config.steps`` steps and return the last parameters.

    Args:
        stage: name shown with the progress.
        config: steps, optimiser, what it leaves alone, seed.
        params: where to start; all is updated but ``config.frozen``.
        loss_fn: differentiated by its first argument and compiled once: batches must keep their shapes.
        batches: returns the batch of a step, counted from 0; called ahead of the step, by a thread.
        work: keeps resumable checkpoints while the stage runs.
        until: stop after so many steps, counted from the start; the next call with the same ``work`` goes on there, as
            if the training had not been stopped. None for ``config.steps``.

    Raises:
        TrainingError: the loss is not finite or diverges, or a parameter is not finite; names the step and the last
            good checkpoint.
        CorruptArtifactError: the stage was run before, and none of its resumable checkpoints is whole.
    """
    last = config.steps if until is None else min(until, config.steps)
    optimizer = build_optimizer(config.optimizer, config.steps, config.frozen)
    mesh = current_mesh()
    step_fn = compile_step(optimizer, loss_fn, config.accumulate)
    fresh = init_state(optimizer, params, mesh)
    with ResumePoints(work / "resume") as resume:
        start, state, points, loader = resume.restore(fresh) or Resumed(0, fresh, [], {"next_index": 0})
        key = jax.random.key(config.seed)
        stream = batch_stream(batches, last)
        with Curve(stage, config, points) as curve, closing(stream):
            stream.set_state(loader)
            try:
                for done in range(start + 1, last + 1):
                    batch = place_batch(next(stream), mesh)
                    state, metrics = step_fn(state, batch, jax.random.fold_in(key, done - 1))
                    curve.add(done, metrics)
                    if (done % config.save_every == 0 or done == last) and done < config.steps:
                        curve.settle()
                        resume.save(done, state, curve.points, stream.get_state())
                curve.settle()
                if not all_finite(state["params"]):  # the loss shows it a step later
                    raise NotLearningError(f"a parameter is not finite after step {last}")
            except NotLearningError as fault:
                raise TrainingError(f"{stage}: {fault}; {_remedy(resume)}") from None
    return Trained(gather(state["params"], mesh), curve.points)


def _remedy(resume: ResumePoints) -> str:
    resume.wait()
    step = resume.newest()
    kept = f"the last good checkpoint is of step {step}" if step else "no checkpoint was made yet"
    return (
        f"{kept}. Run it again: it goes on there, and a fault of the machine does not come back. If it does, lower the "
        "learning rate (which trains from the start)"
    )
