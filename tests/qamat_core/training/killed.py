"""A small training that can be killed: stage one on the tiny model, a point of the curve at every step.

``python -m tests.qamat_core.training.killed DIR STEPS`` trains with pauses, so that there is time to kill it.
"""

import sys
import time
from functools import partial
from pathlib import Path

import numpy as np

from qamat_core.qamat.batches import in_batch
from qamat_core.qamat.examples import UNKNOWN, QueryExamples
from qamat_core.qamat.objectives import in_batch_loss
from qamat_core.qamat.packing import pack_examples
from qamat_core.training.loop import Trained, train
from schemas.qamat import InBatchConfig
from schemas.training import OptimizerConfig, TrainingConfig
from tests.qamat_core.qamat import tiny

SAVE_EVERY = 10
_PAUSE = 0.02


def training(work: Path, steps: int, pause: float = 0.0, asked: list[int] | None = None) -> Trained:
    """Train; what a killed run left in ``work`` is gone on from. ``asked`` hears which batches were made."""
    optimizer = OptimizerConfig(learning_rate=3e-3, schedule="cosine", warmup_steps=5, clip_norm=1.0)
    schedule = {"log_every": 1, "save_every": SAVE_EVERY}
    config = InBatchConfig(
        model=tiny.config(),
        training=TrainingConfig(steps=steps, batch_size=4, optimizer=optimizer, seed=3, **schedule),
        top_k=2,
        vary_k=True,
        negatives_per_example=2,
    )
    packed = pack_examples([_examples], len(tiny.PEOPLE), work / "examples", seed=3)
    batches = partial(in_batch, packed, tiny.entries(), 4, config.negatives_per_example, 3)

    def batch_of(step: int) -> object:
        time.sleep(pause)
        if asked is not None:
            asked.append(step)
        return batches(step)

    return train("killed", config.training, tiny.params(), in_batch_loss(tiny.reader(), config), batch_of, work)  # pyright: ignore


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


if __name__ == "__main__":
    training(Path(sys.argv[1]), int(sys.argv[2]), pause=_PAUSE)
