"""Batches have fixed shapes and hold every sequence once, in record order, in its smallest bucket."""

from hypothesis import given
from hypothesis import strategies as st

from qamat_core.generation.batching import cut_batches
from schemas.generation import BatchShape

LONGEST = 12


@given(
    st.lists(st.lists(st.integers(1, 9), min_size=1, max_size=LONGEST), max_size=30),
    st.integers(1, 5),
    st.sets(st.integers(1, 20), max_size=3),
)
def test_every_sequence_stands_once_in_its_smallest_bucket(ids: list[list[int]], rows: int, buckets: set[int]):
    shape = BatchShape(rows=rows, buckets=tuple(buckets))
    lengths = sorted({bucket for bucket in buckets if bucket < LONGEST} | {LONGEST})
    seen: list[int] = []
    for batch in cut_batches(ids, shape, LONGEST):
        length = batch.tokens.shape[1]
        assert batch.tokens.shape[0] == rows
        assert batch.places == sorted(batch.places)
        for place, row in zip(batch.places, batch.tokens, strict=False):
            assert [token for token in row if token] == ids[place]
            assert min(bucket for bucket in lengths if bucket >= len(ids[place])) == length
        assert (batch.tokens[len(batch.places) :] == batch.tokens[0]).all()
        seen += batch.places
    assert sorted(seen) == list(range(len(ids)))
