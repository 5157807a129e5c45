"""What is compared on a mesh of 4 x 2 devices with one device; run as a program by the tests."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import jax
import numpy as np
import optax

from qamat_core.qamat import search as search_module
from qamat_core.qamat.objectives import closed_book_loss, global_loss, in_batch_loss, multihop_loss
from qamat_core.qamat.search import place_memory
from qamat_core.training.mesh import place_batch, use_mesh
from qamat_core.training.optimizer import build_optimizer
from qamat_core.training.step import LossFn, compile_step, init_state
from schemas.qamat import GlobalConfig, InBatchConfig, MultihopConfig
from schemas.training import MeshShape, OptimizerConfig, TrainingConfig
from tests.qamat_core.qamat import test_index, test_search, tiny

ROWS, K = 8, 3
PEOPLE = [*tiny.PEOPLE, "Ada"][:ROWS]
POSITIVES = np.array([[0, 4], [1, -1], [-1, 2], [3, 3], [4, 9], [5, 0], [6, 1], [7, 8]], np.int32)
ONE, MESH = MeshShape(data=1), MeshShape(data=4, model=2)


def batch() -> dict[str, Any]:
    """Return a batch that every stage can learn from; the rows have targets of different lengths."""
    questions = [f"<extra_id_0> lives in <extra_id_1>, does {name}?" for name in PEOPLE]
    targets = [f"<extra_id_0> {name}" + (" <extra_id_1> Dorf" if row % 3 else "") for row, name in enumerate(PEOPLE)]
    entries = tiny.entries()
    rows = np.resize(np.arange(10), 2 * ROWS)
    return {
        "inputs": tiny.inputs(questions),
        "targets": tiny.tokenizer().encode_batch(targets, 6, eos=True),
        "positives": POSITIVES,
        "first": POSITIVES[:, :1],
        "banned_rows": np.where(POSITIVES[:, :1] == 5, 9, -1).astype(np.int32),
        "key_tokens": entries.key_tokens[rows],
        "value_tokens": entries.value_tokens[rows],
        "banned": (np.arange(2 * ROWS) >= 10).astype(np.float32),
    }


def losses(accumulate: int = 1) -> Mapping[str, tuple[LossFn, TrainingConfig]]:
    """Return the loss of every stage."""
    training = TrainingConfig(steps=2, batch_size=ROWS, accumulate=accumulate)
    shape: dict[str, Any] = {"training": training, "top_k": K, "retrieval_loss_weight": 0.5, "model": tiny.config()}
    whole: dict[str, Any] = shape | {"training": TrainingConfig(steps=2, batch_size=ROWS)}
    reader = tiny.reader()
    return {
        "in-batch": (in_batch_loss(reader, InBatchConfig(**whole)), training),
        "global": (global_loss(reader, GlobalConfig(**shape)), training),
        "multi-hop": (multihop_loss(reader, MultihopConfig(**shape)), training),
        "closed-book": (closed_book_loss(reader, 1e-4), training),
    }


def step(loss_fn: LossFn, config: TrainingConfig, shape: MeshShape, rate: float | None = None) -> tuple[Any, Any]:
    """Return the metrics of a step, and the parameters after it: moved by Adafactor at a rate, else by the gradient."""
    with use_mesh(shape) as mesh:
        adafactor = OptimizerConfig(name="adafactor", learning_rate=rate or 1.0)
        optimizer = build_optimizer(adafactor, config.steps) if rate else optax.sgd(1.0)
        state = init_state(optimizer, tiny.params(), mesh)
        given = {**place_batch(batch(), mesh), "memory": place_memory(tiny.memory(), mesh)}
        state, metrics = compile_step(optimizer, loss_fn, config.accumulate)(state, given, jax.random.key(0))
        return jax.device_get(metrics), jax.device_get(state["params"])


def compare(ours: Any, theirs: Any, what: str) -> None:
    """Compare trees to 1e-5."""
    for path, (one, other) in zip(
        jax.tree_util.tree_leaves_with_path(theirs),
        zip(jax.tree.leaves(ours), jax.tree.leaves(theirs), strict=True),
        strict=True,
    ):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5, err_msg=f"{what} {path[0]}")


def stages() -> None:
    """Every stage: one device and a mesh of 4 x 2."""
    for name, (loss_fn, config) in losses().items():
        rate = 1e-2 if name == "closed-book" else None
        compare(step(loss_fn, config, MESH, rate), step(loss_fn, config, ONE, rate), name)


def accumulation() -> None:
    """A gradient in two parts, over the mesh, is that of the whole batch."""
    whole, parts = losses(), losses(2)
    for name in ("global", "multi-hop", "closed-book"):
        compare(step(*parts[name], MESH), step(*whole[name], ONE), name)


def search() -> None:
    """A memory of 11 entries on 8 devices, in blocks of one."""
    for block in (1, 1 << 16):
        search_module.BLOCK = block
        with use_mesh(MESH) as mesh:
            memory = place_memory(test_search.MEMORY, mesh)
            assert {len(part.data) for part in memory.keys.addressable_shards} == {2}
            for k in (1, 5, 11):
                test_search.check(memory, [[2, 9, 10], [-1, -1, 0]], k)


def encoding() -> None:
    """An index of 10 entries, in batches of 5 rows that are filled up to 8."""
    with TemporaryDirectory() as folder:
        made: list[Any] = []
        for shape in (ONE, MESH):
            with use_mesh(shape):
                memory = test_index.built(Path(folder) / str(shape.model), batch_size=5)
                made.append(jax.tree.map(np.array, memory))
        compare(*made, "index")


PARTS: Mapping[str, Callable[[], None]] = {
    "stages": stages,
    "accumulation": accumulation,
    "search": search,
    "encoding": encoding,
}

if __name__ == "__main__":
    assert jax.device_count() == 8
    PARTS[sys.argv[1]]()
    sys.stdout.write(f"{sys.argv[1]} agree\n")
