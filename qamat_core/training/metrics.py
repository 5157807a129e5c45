"""The curve of a training: every loss is looked at, some points are kept, told, and written for TensorBoard.

A step is looked at while the next one runs, so that the device never waits for us.
"""

import math
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import jax
import jax.numpy as jnp
from jaxtyping import Array

from qamat_core import progress
from schemas.training import TrainingConfig

if TYPE_CHECKING:
    from tensorboardX import SummaryWriter

Metrics = Mapping[str, Array]
Point = dict[str, float]
"""``step`` and the metrics of one step."""

_directory: ContextVar[Path | None] = ContextVar("tensorboard", default=None)


class NotLearningError(Exception):
    """The loss is not finite or far above what it was, or a parameter is not finite; says at which step."""


@contextmanager
def tensorboard(home: Path, name: str, key: str) -> Generator[None]:
    """Let trainings inside the block write TensorBoard's event files below ``tensorboard/<name>/<key>`` of the home.

    Each stage has a folder there. They are no part of the artifact: they hold times and the machine's name.
    """
    token = _directory.set(home / "tensorboard" / name / key[:8])
    try:
        yield
    finally:
        _directory.reset(token)


class Curve:
    """The points of one stage.

    Args:
        stage: name shown with the progress.
        config: steps, ``log_every``, ``divergence``.
        points: those up to the step that the training goes on from.
    """

    def __init__(self, stage: str, config: TrainingConfig, points: Sequence[Point]) -> None:
        self.points = list(points)
        self._stage, self._config = stage, config
        self._waiting: tuple[int, Metrics] | None = None
        self._lowest = min((point["loss"] for point in self.points), default=math.inf)
        self._writer: SummaryWriter | None = None

    def __enter__(self) -> Self:
        directory = _directory.get()
        if directory is not None and jax.process_index() == 0:
            from tensorboardX import SummaryWriter  # noqa: PLC0415  (imports torch where there is one)

            first = int(self.points[-1]["step"]) + 1 if self.points else 1  # a killed run may have written more
            suffix = f".from-{first}"  # without it, a run resumed within a second overwrites the file
            self._writer = SummaryWriter(str(directory / self._stage), purge_step=first, filename_suffix=suffix)
        return self

    def __exit__(self, *_: object) -> None:
        if self._writer:
            self._writer.close()

    def add(self, step: int, metrics: Metrics) -> None:
        """Take the metrics of a step, counted from 1, and look at those of the step before.

        Raises:
            NotLearningError: that one went wrong.
        """
        self.settle()
        self._waiting = step, metrics

    def settle(self) -> None:
        """Look at what waits.

        Raises:
            NotLearningError: the step went wrong.
        """
        if not self._waiting:
            return
        (step, metrics), self._waiting = self._waiting, None
        loss = float(metrics["loss"])
        if not math.isfinite(loss):
            raise NotLearningError(f"the loss is {loss} at step {step}")
        if loss > self._config.divergence * (1 + self._lowest):
            raise NotLearningError(f"the loss is {loss:.4g} at step {step}, it was {self._lowest:.4g}: it diverges")
        if step % self._config.log_every == 0 or step == self._config.steps:
            self._keep({"step": step, **{name: float(value) for name, value in metrics.items()}})

    def _keep(self, point: Point) -> None:
        self.points.append(point)
        self._lowest = min(self._lowest, point["loss"])
        progress.report(self._stage, int(point["step"]), self._config.steps, point)
        if self._writer:
            for name, value in point.items():
                if name != "step":
                    self._writer.add_scalar(name, value, int(point["step"]))
            self._writer.flush()


@jax.jit
def all_finite(tree: Any) -> Array:
    """Say whether no array of a tree holds NaN or infinity; does not wait for the answer."""
    return jnp.stack([jnp.isfinite(leaf).all() for leaf in jax.tree.leaves(tree)]).all()
