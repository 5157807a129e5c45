"""One process of several that train together; each feeds its rows of the global batches.

``python -m tests.qamat_core.training.one_of_many DIR PORT INDEX COUNT STEPS`` goes on from what lies in ``DIR``.
"""

import sys
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import NamedSharding, PartitionSpec

from qamat_core.training.loader import batch_stream, process_slice
from qamat_core.training.resume import Resumed, ResumePoints

SAVE_EVERY = 4


def batch(step: int) -> dict[str, np.ndarray]:
    x = np.random.default_rng(step).normal(size=(8, 3)).astype(np.float32)
    return {"x": x, "y": x @ np.array([1, -2, 0.5], np.float32)}


@jax.jit
def _step(w: jax.Array, batch: Any) -> jax.Array:
    return w - 0.1 * jax.grad(lambda w: jnp.mean((batch["x"] @ w - batch["y"]) ** 2))(w)


def main(directory: Path, index: int, count: int, steps: int) -> np.ndarray:
    mesh = jax.make_mesh((jax.device_count(),), ("data",))
    everywhere, by_rows = NamedSharding(mesh, PartitionSpec()), NamedSharding(mesh, PartitionSpec("data"))
    fresh = {"w": jax.device_put(np.zeros(3, np.float32), everywhere)}
    with ResumePoints(directory) as points:
        start, state, _, loader = points.restore(fresh) or Resumed(0, fresh, [], {"next_index": 0})
        stream = batch_stream(batch, steps)
        stream.set_state(loader)
        for done in range(start + 1, steps + 1):
            part = process_slice(next(stream), index, count)
            fed = {name: jax.make_array_from_process_local_data(by_rows, rows) for name, rows in part.items()}
            state = {"w": _step(state["w"], fed)}
            if done % SAVE_EVERY == 0:
                points.save(done, state, [], stream.get_state())
        stream.close()
    return np.asarray(state["w"].addressable_data(0))


if __name__ == "__main__":
    where, port, *numbers = sys.argv[1:]
    number, processes, last = map(int, numbers)
    jax.distributed.initialize(f"127.0.0.1:{port}", processes, number)
    main(Path(where), number, processes, last)
