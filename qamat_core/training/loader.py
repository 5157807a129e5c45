"""Batches, made ahead of the steps that read them: a grain data set whose element n is the batch of step n.

Every process makes the same global batch and takes its rows of it (``mesh.place_batch``), so the order of the examples
and the loader's state do not depend on the number of processes.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import grain

Batch = Mapping[str, Any]
BatchOf = Callable[[int], Batch]
"""Returns the batch of a step, counted from 0: a pure function."""

_AHEAD: Final = 16
"""So many batches wait for their steps; meanwhile the next shard is read."""


def batch_stream(batches: BatchOf, steps: int) -> grain.DatasetIterator[Batch]:
    """Return the batches of all steps, made by a thread; ``get_state`` and ``set_state`` tell and set the next step."""
    data = grain.MapDataset.source(_Steps(batches, steps))
    return iter(data.to_iter_dataset(grain.ReadOptions(num_threads=1, prefetch_buffer_size=_AHEAD)))


class _Steps:
    """The batches as grain reads them: a sequence."""

    def __init__(self, batches: BatchOf, steps: int) -> None:
        self._batches, self._steps = batches, steps

    def __len__(self) -> int:
        return self._steps

    def __getitem__(self, index: int) -> Batch:
        return self._batches(index)

    def __repr__(self) -> str:
        return f"batches of {self._steps} steps"
