"""Batches come in the order of their steps, from any step on; processes get equal parts of the same batch."""

from collections.abc import Iterator
from contextlib import closing
from threading import Event

import jax.numpy as jnp
import numpy as np
import pytest

from qamat_core.qamat.objectives import FrozenMemory
from qamat_core.training.loader import batch_stream, process_slice
from schemas.errors import ConfigError


def _numbers(steps: int, start: int = 0) -> Iterator[int]:
    with closing(batch_stream(lambda step: {"step": step}, steps)) as stream:
        stream.set_state({"next_index": start})
        for number, batch in enumerate(stream):
            assert stream.get_state() == {"next_index": start + number + 1}
            yield batch["step"]


def test_batches_come_in_order_from_any_step_on():
    assert list(_numbers(40)) == list(range(40))
    assert list(_numbers(40, start=33)) == list(range(33, 40))
    assert list(_numbers(40, start=40)) == []


def test_batches_are_made_ahead():
    made, fifth = list[int](), Event()

    def make(step: int) -> dict[str, int]:
        made.append(step)
        if step == 5:
            fifth.set()
        return {}

    with closing(batch_stream(make, 100)) as stream:
        next(stream)
        assert fifth.wait(timeout=30)
    assert len(made) < 100


def test_a_fault_of_a_batch_comes_at_its_step():
    def broken(step: int) -> dict[str, int]:
        if step == 3:
            raise ValueError("broken")
        return {}

    with closing(batch_stream(broken, 10)) as stream:
        for _ in range(3):
            next(stream)
        with pytest.raises(ValueError, match="broken"):
            next(stream)


@pytest.mark.parametrize("count", [1, 2, 4])
def test_processes_feed_the_same_global_batch(count: int):
    memory = FrozenMemory(*(jnp.ones((3, 2)) for _ in range(3)))
    batch = {"inputs": np.arange(24).reshape(8, 3), "banned": np.arange(16), "memory": memory}
    parts = [process_slice(batch, index, count) for index in range(count)]
    for name in ("inputs", "banned"):
        np.testing.assert_array_equal(np.concatenate([part[name] for part in parts]), batch[name])
        assert len({part[name].shape for part in parts}) == 1
    assert all(part["memory"] is memory or part["memory"].keys is memory.keys for part in parts)


def test_a_batch_that_cannot_be_cut_is_refused():
    with pytest.raises(ConfigError, match="a batch of 6 rows cannot be fed by 4 processes: give a batch_size"):
        process_slice({"inputs": np.zeros((6, 2))}, 0, 4)
