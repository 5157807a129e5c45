"""An older index with tombstones and a tail is the index of the new version."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from qamat_core.indexes.oracle import Oracle
from qamat_core.indexes.splice import Splice
from qamat_core.indexes.updated import Spliced, UpdatedIndex

RNG = np.random.default_rng(0)
KEYS, NEW, QUERIES = (RNG.normal(size=(count, 8)).astype(np.float32) for count in (12, 30, 5))


@st.composite
def versions(draw: st.DrawFn) -> np.ndarray:
    """A new version of 12 rows, row by row: the old row, or -1 for a new entry."""
    kept = draw(st.lists(st.integers(0, 11), unique=True))
    places = draw(st.lists(st.integers(0, len(kept)), max_size=10))
    return np.insert(np.array(sorted(kept) if draw(st.booleans()) else kept, np.int64), places, -1)


def arrays(source: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The new version's keys, and its tail's."""
    tail = NEW[: (source < 0).sum()]
    keys = np.where((source < 0)[:, None], 0, KEYS[source])
    keys[source < 0] = tail
    return keys, tail


@given(versions())
def test_every_row_is_where_it_came_from(source: np.ndarray):
    splice = Splice.of(source, len(KEYS))
    rows = np.arange(len(source))
    in_tail, places = splice.origin(rows)
    assert in_tail.tolist() == (source < 0).tolist()
    assert places[~in_tail].tolist() == source[source >= 0].tolist()
    assert places[in_tail].tolist() == list(range(splice.tail))
    assert splice.of_older(source[source >= 0]).tolist() == rows[source >= 0].tolist()
    assert splice.of_tail(np.arange(splice.tail)).tolist() == rows[source < 0].tolist()
    assert splice.gone.tolist() == sorted({*range(len(KEYS))} - {*source.tolist()})
    assert (splice.of_older(splice.gone) == -1).all()


@given(versions(), st.integers(1, 25), st.lists(st.integers(-1, 8), min_size=5, max_size=5), st.booleans())
def test_results_are_those_of_an_index_that_was_built_anew(source: np.ndarray, k: int, out: list[int], gone: bool):
    keys, tail = arrays(source)
    banned = np.where(np.array(out) < len(source), np.array(out), -1)[:, None]
    ours, anew = UpdatedIndex(Oracle(KEYS), Oracle(tail), Splice.of(source, len(KEYS))), Oracle(keys)
    if gone:
        removed = np.arange(0, len(source), 3)
        ours, anew = ours.without(removed), anew.without(removed)
    found, expected = ours.search(QUERIES, k, banned), anew.search(QUERIES, k, banned)
    np.testing.assert_allclose(found.scores, expected.scores, atol=1e-5)
    np.testing.assert_array_equal(found.rows, expected.rows)
    assert len(ours) == len(anew)


@given(versions())
def test_arrays_are_those_of_the_new_version(source: np.ndarray):
    keys, tail = arrays(source)
    spliced = Spliced(KEYS[:, :6], tail, Splice.of(source, len(KEYS)))
    expected = np.where((source >= 0)[:, None] & (np.arange(8) >= 6), 0, keys)
    assert spliced.shape == keys.shape
    np.testing.assert_array_equal(spliced[2:7], expected[2:7])
    rows = RNG.integers(0, max(len(source), 1), (3, 4)) if len(source) else np.zeros((0, 4), np.int64)
    np.testing.assert_array_equal(spliced[rows], expected[rows])
