"""How fast training is fed, and how long a checkpoint stops it.

Packed batches: an epoch of batches of 512 as the training loop gets them (random order, made by grain's thread, page
checksums verified) against pyarrow reading the same shards from front to end, in record batches of 512, with no check.
Checkpoint stall: what the training waits for until the save goes on in the background, against Orbax's synchronous save
of the same state: T5-base's number of parameters and Adafactor's state. The save before it has ended.
"""

from contextlib import closing
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import orbax.checkpoint as ocp
import pyarrow.parquet as pq

from qamat_core.qamat import packing
from qamat_core.qamat.examples import QueryExamples
from qamat_core.qamat.packing import PackedExamples, pack_examples
from qamat_core.training.loader import batch_stream
from qamat_core.training.optimizer import build_optimizer
from qamat_core.training.resume import ResumePoints
from schemas.training import OptimizerConfig
from tests.benchmarks.measure import Row, compare, interleave, require, timed

BATCH = 512
_VOCABULARY = 32_128


def run(*, quick: bool) -> list[Row]:
    """Measure 393,216 examples and 220M parameters; ``quick``: 2,048 and 0.5M."""
    with TemporaryDirectory() as folder:
        return [
            packed_batches(Path(folder), 2_048 if quick else 6 * packing.SHARD_ROWS, 1 if quick else 5),
            checkpoint_stall(Path(folder), 0.5e6 if quick else 220e6, 1 if quick else 3),
        ]


def packed_batches(folder: Path, count: int, rounds: int) -> Row:
    """Compare examples a second."""
    parts = 8
    pack_examples(
        [lambda number=number: _examples(number, count // parts) for number in range(parts)], count, folder, 0
    )
    shards = sorted(folder.glob("*.parquet"))
    counts = [pq.read_metadata(shard).num_rows for shard in shards]

    def ours() -> None:
        packed = PackedExamples(shards, counts)
        with closing(batch_stream(lambda step: vars(packed.batch(BATCH, 0, step)), count // BATCH)) as stream:
            assert sum(len(batch["inputs"]) for batch in stream) == count

    def theirs() -> None:
        read = (batch for shard in shards for batch in pq.ParquetFile(shard).iter_batches(BATCH))
        assert sum(batch.num_rows for batch in read) == count

    costs = interleave({"ours": ours, "theirs": theirs}, rounds)
    seconds = costs["ours"].wall, costs["theirs"].wall
    note = (
        f"{count} examples in {len(shards)} shards; processor: {costs['ours'].cpu:.2f} and {costs['theirs'].cpu:.2f} s"
    )
    return compare("packed batches", "examples/s", "pyarrow", count, seconds, require("pyarrow", "grain"), note)


def checkpoint_stall(folder: Path, parameters: float, rounds: int) -> Row:
    """Compare how long a step waits for a checkpoint."""
    state = _state(parameters)
    options = ocp.CheckpointManagerOptions(max_to_keep=2, enable_async_checkpointing=False, create=True)
    stalls: dict[str, list[float]] = {"ours": [], "theirs": []}
    with ResumePoints(folder / "ours") as points, ocp.CheckpointManager(folder / "theirs", options=options) as manager:

        def ours(step: int) -> None:
            points.save(step, state, [], {"next_index": step})

        for step in range(rounds + 1):
            taken = {"ours": timed(lambda step=step: ours(step + 1)).wall}
            points.wait()
            save = ocp.args.StandardSave(state)
            taken["theirs"] = timed(lambda step=step, save=save: manager.save(step + 1, args=save)).wall
            if step:  # the first one compiles
                for name, seconds in taken.items():
                    stalls[name].append(seconds)
    ours_s, theirs_s = median(stalls["ours"]), median(stalls["theirs"])
    size = sum(leaf.nbytes for leaf in jax.tree.leaves(state)) / 1e6
    note = f"{size:.0f} MB; the stall is {ours_s / theirs_s:.1%} of the synchronous save"
    versions = require("orbax-checkpoint", "jax")
    return Row("checkpoint stall", "s", "synchronous save", ours_s, theirs_s, theirs_s / ours_s, versions, note)


def _examples(seed: int, count: int) -> QueryExamples:
    """Draw examples of the paper's widths; pieces are as frequent as words are, passages are of all lengths."""
    rng = np.random.default_rng(seed)

    def tokens(width: int) -> np.ndarray:
        pieces = np.minimum(rng.zipf(1.2, (count, width)), _VOCABULARY - 1).astype(np.int32)
        return np.where(np.arange(width) < rng.integers(width // 2, width + 1, (count, 1)), pieces, 0).astype(np.int32)

    def rows(width: int) -> np.ndarray:
        return rng.integers(60_000_000, size=(count, width)).astype(np.int32)

    return QueryExamples(tokens(256), tokens(32), rows(4), rows(1), rows(8), rows(1))


def _state(parameters: float) -> dict[str, Any]:
    """Return parameters in matrices of 512 columns, and their optimiser's state."""
    rng, layers = np.random.default_rng(0), 16
    shape = (int(parameters) // layers // 512, 512)
    params = {f"layer_{number}": jnp.asarray(rng.normal(size=shape).astype(np.float32)) for number in range(layers)}
    optimizer = build_optimizer(OptimizerConfig(name="adafactor"), 1)
    return {"params": params, "optimizer": optimizer.init(params)}
