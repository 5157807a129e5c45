"""A small training that can be killed: a T5 on packed examples, a point of the curve at every step.

``python -m tests.qamat_core.training.killed DIR STEPS PAUSE`` trains with a pause at every step, in seconds, and prints
what came of it.
"""

import hashlib
import json
import sys
import time
from pathlib import Path
from typing import Any

import jax
import numpy as np

from qamat_core.qamat.batches import plain_batch
from qamat_core.qamat.examples import UNKNOWN, QueryExamples
from qamat_core.qamat.objectives import closed_book_loss
from qamat_core.qamat.packing import pack_examples
from qamat_core.training.loader import Batch
from qamat_core.training.loop import Trained, train
from schemas.training import OptimizerConfig, TrainingConfig
from tests.qamat_core.qamat import tiny

STEPS = 60


def training(work: Path, steps: int = STEPS, pause: float = 0.0, asked: list[int] | None = None) -> Trained:
    """Train, saving four times; what a killed run left in ``work`` is gone on from. ``asked`` hears of the batches."""
    optimizer = OptimizerConfig(learning_rate=3e-3, schedule="cosine", warmup_steps=5, clip_norm=1.0)
    config = TrainingConfig(
        steps=steps, batch_size=4, optimizer=optimizer, seed=3, log_every=1, save_every=steps // 4, z_loss=1e-4
    )
    packed = pack_examples([_examples], len(tiny.PEOPLE), work / "examples", config.seed)

    def batches(step: int) -> Batch:
        time.sleep(pause)
        if asked is not None:
            asked.append(step)
        return plain_batch(packed, config.batch_size, config.seed, step)

    return train("killed", config, tiny.params(), closed_book_loss(tiny.reader(), config.z_loss), batches, work)


def _examples() -> QueryExamples:
    people, rows = tiny.PEOPLE, np.arange(len(tiny.PEOPLE), dtype=np.int32)[:, None]
    nobody = np.full_like(rows, UNKNOWN)
    return QueryExamples(
        tiny.tokenizer().encode_table([f"Where does <extra_id_0> live? {name}" for name in people], 20),
        tiny.tokenizer().encode_table([f"<extra_id_0> {town}" for town in tiny.TOWNS], 6, eos=True),
        rows,
        nobody,
        (rows + np.array([1, 2, 3], np.int32)) % len(people),
        nobody,
    )


def report(trained: Trained, asked: list[int]) -> dict[str, Any]:
    """What came of a training: the first batch asked for, the curve, a digest of the parameters' bits."""
    leaves = [np.asarray(leaf).tobytes() for leaf in jax.tree.leaves(trained.params)]
    return {"first": asked[0], "history": trained.history, "params": hashlib.sha256(b"".join(leaves)).hexdigest()}


if __name__ == "__main__":
    batches_asked: list[int] = []
    ended = training(Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), batches_asked)
    sys.stdout.write(json.dumps(report(ended, batches_asked)) + "\n")
