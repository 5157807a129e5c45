"""One process of several that train together over one mesh.

``python -m tests.qamat_core.training.one_of_many DIR PORT INDEX COUNT STEPS`` goes on from what lies in ``DIR``.
"""

import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from qamat_core.training.checkpoint import Params
from qamat_core.training.loop import Trained, train
from qamat_core.training.mesh import use_mesh
from qamat_core.training.step import Batch, Metrics
from schemas.training import MeshShape, OptimizerConfig, TrainingConfig

SAVE_EVERY, ALL_STEPS = 4, 16


def _batch(step: int) -> dict[str, np.ndarray]:
    x = np.random.default_rng(step).normal(size=(8, 3)).astype(np.float32)
    return {"x": x, "y": x @ np.array([1, -2, 0.5], np.float32)}


def _loss(params: Params, batch: Batch, _: Array) -> tuple[Array, Metrics]:
    return jnp.mean((batch["x"] @ params["w"] - batch["y"]) ** 2), {}


class StoppedError(Exception):
    """The process was to stop here."""


def main(directory: Path, steps: int) -> Trained:
    """Train for ``ALL_STEPS`` steps; raise ``StoppedError`` when the batch of step ``steps`` is wanted."""

    def batch(step: int) -> dict[str, np.ndarray]:
        if step >= steps:
            raise StoppedError
        return _batch(step)

    config = TrainingConfig(
        steps=ALL_STEPS, batch_size=8, save_every=SAVE_EVERY, log_every=1, optimizer=OptimizerConfig(learning_rate=0.1)
    )
    with use_mesh(MeshShape()):
        return train("many", config, {"w": np.zeros(3, np.float32)}, _loss, batch, directory)


if __name__ == "__main__":
    where, port, *numbers = sys.argv[1:]
    number, processes, last = map(int, numbers)
    jax.distributed.initialize(f"127.0.0.1:{port}", processes, number)
    try:
        trained = main(Path(where), last)
    except StoppedError:
        sys.exit(0)
    np.save(Path(where) / f"process-{number}.npy", trained.params["w"])
