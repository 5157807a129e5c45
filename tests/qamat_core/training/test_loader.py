"""Batches come in the order of their steps, from any step on; processes get equal parts of the same batch."""

from collections.abc import Iterator
from contextlib import closing
from threading import Event

import pytest

from qamat_core.training.loader import batch_stream


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
