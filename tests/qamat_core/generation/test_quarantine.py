"""A record that the model fails for is quarantined alone; its mates come out as if it were not there."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qamat_core.generation.batching import Batch
from qamat_core.generation.generator import Candidate, Search
from qamat_core.generation.quarantine import Decoded, Quarantined, decode_all
from schemas.errors import GenerationError

ROWS = 8


class Model:
    """Writes a row's first id; raises for a batch that holds a poisoned one, writes garbage for others."""

    def __init__(self, poisoned: set[int], garbage: set[int]) -> None:
        self.poisoned, self.garbage, self.shapes = poisoned, garbage, set[tuple[int, ...]]()

    def decode(self, batch: Batch, search: Search) -> list[list[Candidate]]:
        del search
        self.shapes.add(batch.tokens.shape)
        names = [int(row[0]) for row in batch.tokens[: len(batch.places)]]
        if bad := self.poisoned.intersection(int(row[0]) for row in batch.tokens):
            raise ValueError(f"cannot read {min(bad)}\nmore")
        return [[] if name in self.garbage else [Candidate(str(name), -1.0, -1.0, ended=True)] for name in names]


def _decode(model: Model, names: list[int]) -> list[Decoded]:
    tokens = np.zeros((ROWS, 3), np.int32)
    tokens[: len(names), 0] = names
    tokens[len(names) :] = tokens[0]
    return decode_all(model, Batch(list(range(len(names))), tokens), Search(4))


@given(st.lists(st.integers(1, 50), min_size=1, max_size=ROWS, unique=True), st.sets(st.integers(1, 50)), st.data())
def test_only_the_records_that_fail_are_quarantined(names: list[int], poisoned: set[int], data: st.DataObject):
    garbage = data.draw(st.sets(st.integers(1, 50)))
    model, failing = Model(poisoned, garbage), poisoned | garbage
    if len(names) > 1 and failing.issuperset(names):
        with pytest.raises(GenerationError, match=f"each of {len(names)} records"):
            _decode(model, names)
        return
    found = _decode(model, names)
    assert [isinstance(one, Quarantined) for one in found] == [name in failing for name in names]
    assert [one[0].text for one in found if not isinstance(one, Quarantined)] == [
        str(name) for name in names if name not in failing
    ]
    assert model.shapes == {(ROWS, 3)}


def test_the_reason_is_one_line():
    (found,) = _decode(Model({7}, set()), [7])
    assert found == Quarantined("quarantined: ValueError: cannot read 7")


def test_scores_that_are_not_finite_are_quarantined():
    class Garbage(Model):
        def decode(self, batch: Batch, search: Search) -> list[list[Candidate]]:
            del search
            return [[Candidate("a", float("nan"), -1.0, ended=True)] for _ in batch.places]

    assert isinstance(_decode(Garbage(set(), set()), [1])[0], Quarantined)


def test_want_of_memory_is_no_fault_of_a_record():
    class Full(Model):
        def decode(self, batch: Batch, search: Search) -> list[list[Candidate]]:
            raise MemoryError(batch, search)

    with pytest.raises(MemoryError):
        _decode(Full(set(), set()), [1, 2])
