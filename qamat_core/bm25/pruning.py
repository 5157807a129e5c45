"""The k best texts of a query without scoring them all: MaxScore-style pruning, exact.

Block by block, the postings of a query's terms are added up, the short lists of heavy terms first, until what the
rest could add is small against the k-th best score so far (Turtle and Flood 1995, Strohman et al. 2005). Only rows that
can still get among the best are finished: their score is summed anew in 64 bits over the text's own terms in the order
of the vocabulary. So a pair of query and text has one score, whatever was pruned and however texts are cut into blocks.
"""

from typing import Any, Final

import numba
import numpy as np
import numpy.typing as npt

from qamat_core.bm25.postings import Postings
from qamat_core.bm25.protocol import DIGITS

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Sums = npt.NDArray[np.float32]
Int = int | np.integer[Any]
Float = float | np.floating[Any]

_SCALE: Final = 10.0**DIGITS
_REST: Final = 0.25
"""Lists are added up until the others can add less than this share of the k-th best score (measured: .2 to .5 differ
little; a larger share leaves more rows to finish)."""
_CHUNK: Final = 32
"""Sums are looked through in runs of so many: by vector instructions, one by one where a run has a candidate."""
_SEED: Final = 0.25
"""Before any score is known, postings for this share of a block's rows are added up to find one."""
_EPSILON: Final = 2.0**-23
_LEAST: Final = 1e-12


@numba.njit(nogil=True, cache=True)
def best_rows(
    arrays: tuple[npt.NDArray[Any], ...],
    ranks: npt.NDArray[np.int32],
    terms: npt.NDArray[np.int32],
    counts: Floats,
    heap: Ints,
    sums: Sums,
    query: Floats,
) -> int:
    """Fill ``heap`` with the best rows, in no order, and return how many there are.

    Args:
        arrays: the index, as a plain tuple, whose type numba tells far faster than that of a named one.
        ranks: [M], each row's place among ties.
        terms: [Q], the query's distinct terms, ascending.
        counts: [Q], how often each is said.
        heap: [k, 3], gets score * 10^4 (rounded), minus the rank, row.
        sums: scratch, at least as long as a block has rows.
        query: scratch of zeros, at least as long as a block has terms; zeros again afterwards.
    """
    index = Postings(*arrays)
    found = 0
    trial = np.empty_like(heap)
    for block in range(len(index.row_starts) - 1):
        places, times = _locate(index, block, terms, counts)
        if len(places):
            rows = index.row_starts[block + 1] - index.row_starts[block]
            sums[:rows] = 0
            _set(query, places - index.term_starts[block], times)
            floor = (heap[0, 0] - 0.5) / _SCALE if found == len(heap) else 0.0
            floor, rest = _add_lists(index, index.row_starts[block], places, times, query, floor, sums[:rows], trial)
            found = _finish(index, ranks, index.row_starts[block], query, sums[:rows], floor, rest, heap, found)
            _set(query, places - index.term_starts[block], np.zeros_like(times))
    return found


@numba.njit(nogil=True, cache=True)
def all_scores(
    arrays: tuple[npt.NDArray[Any], ...], terms: npt.NDArray[np.int32], counts: Floats, scores: Floats
) -> None:
    """Add every row's score to ``scores``, [M]: term by term, so in the same order of summation as ``_score``."""
    index = Postings(*arrays)
    for block in range(len(index.row_starts) - 1):
        places, times = _locate(index, block, terms, counts)
        sums = scores[index.row_starts[block] : index.row_starts[block + 1]]
        for i in range(len(places)):
            _add(index, places[i], times[i], sums)


@numba.njit(nogil=True, cache=True)
def _locate(index: Postings, block: int, terms: npt.NDArray[np.int32], counts: Floats) -> tuple[Ints, Floats]:
    """Return where those of the query's terms that the block has stand in ``index.terms``, and their counts."""
    start, end = index.term_starts[block], index.term_starts[block + 1]
    places = start + np.searchsorted(index.terms[start:end], terms)
    there = np.zeros(len(terms), np.bool_)
    for i in range(len(terms)):
        there[i] = places[i] < end and index.terms[places[i]] == terms[i]
    return places[there], counts[there]


@numba.njit(nogil=True, cache=True)
def _add_lists(
    index: Postings, first: int, places: Ints, times: Floats, query: Floats, floor: float, sums: Sums, trial: Ints
) -> tuple[float, float]:
    """Add up the lists that must be, in 32 bits; return the score that is needed and what the rest can add at most.

    ``floor`` is 0 where it is not known yet: then the rows of the largest sums are scored after some lists. What the
    rest can add includes what rounding in 32 bits may take.
    """
    bounds = times * index.tops[places]
    sizes = index.list_starts[places + 1] - index.list_starts[places]
    rest = bounds.sum()
    slack = 4 * (len(places) + 2) * _EPSILON * rest
    added, known = 0, floor > 0
    for i in np.argsort(sizes / bounds):
        if not known and added > _SEED * len(sums):
            floor, known = _kth_score(index, first, query, sums, trial), True
        if rest < _REST * (floor - slack):
            return floor, rest + slack
        _add(index, int(places[i]), np.float32(times[i]), sums)
        added += sizes[i]
        rest -= bounds[i]
    return floor, slack


@numba.njit(nogil=True, cache=True)
def _add(index: Postings, place: Int, times: Float, sums: Floats | Sums) -> None:
    """Add the postings of one term to the sums of its block."""
    rows = index.list_rows[index.list_starts[place] : index.list_starts[place + 1]]
    weights = index.list_weights[index.list_starts[place] : index.list_starts[place + 1]]
    for i in range(len(rows)):
        sums[rows[i]] += times * weights[i]


@numba.njit(nogil=True, cache=True)
def _kth_score(index: Postings, first: int, query: Floats, sums: Sums, trial: Ints) -> float:
    """Return a score that at least k rows reach: the lowest among the rows of the k largest sums; 0 if there are fewer.

    One rounding step is taken off, so that ties of the rounded score reach it too.
    """
    found = 0
    for start in range(0, len(sums), _CHUNK):
        end = min(start + _CHUNK, len(sums))
        if found == len(trial) and _largest(sums, start, end) * _SCALE <= trial[0, 0]:
            continue
        for row in range(start, end):
            if sums[row] > 0:
                found = _push(trial, found, np.int64(sums[row] * _SCALE), 0, row)
    if found < len(trial):
        return 0.0
    lowest = np.inf
    for i in range(found):
        lowest = min(lowest, _score(index, first + trial[i, 2], query))
    return max(lowest - 1 / _SCALE, 0.0)


@numba.njit(nogil=True, cache=True)
def _finish(
    index: Postings,
    ranks: npt.NDArray[np.int32],
    first: int,
    query: Floats,
    sums: Sums,
    floor: float,
    rest: float,
    heap: Ints,
    found: int,
) -> int:
    """Score the rows that can still get into the heap, put them there; return how many it holds."""
    bar = max(floor - rest, _LEAST)
    for start in range(0, len(sums), _CHUNK):
        end = min(start + _CHUNK, len(sums))
        if _largest(sums, start, end) < bar:
            continue
        for row in range(start, end):
            if sums[row] >= bar:
                key = np.int64(np.rint(_score(index, first + row, query) * _SCALE))
                if key > 0:
                    found = _push(heap, found, key, -np.int64(ranks[first + row]), first + row)
                    if found == len(heap):
                        bar = max(bar, (heap[0, 0] - 0.5) / _SCALE - rest)
    return found


@numba.njit(nogil=True, cache=True)
def _score(index: Postings, row: int, query: Floats) -> float:
    terms = index.text_terms[index.text_starts[row] : index.text_starts[row + 1]]
    weights = index.text_weights[index.text_starts[row] : index.text_starts[row + 1]]
    score = 0.0
    for i in range(len(terms)):
        score += query[terms[i]] * weights[i]
    return score


@numba.njit(nogil=True, cache=True, fastmath=True)
def _largest(sums: Sums, start: int, end: int) -> Float:
    largest = np.float32(0)
    for i in range(start, end):
        largest = sums[i] if sums[i] > largest else largest
    return largest


@numba.njit(nogil=True, cache=True)
def _push(heap: Ints, found: int, key: Int, rank: Int, row: int) -> int:
    """Put an entry into the heap, whose first one is the worst; return how many it holds (at most its length)."""
    if found == len(heap):
        if not _worse(heap, 0, key, rank):
            return found
        place = _sink(heap, key, rank)
    else:
        place, found = found, found + 1
        while place > 0 and not _worse(heap, (place - 1) // 2, key, rank):
            heap[place] = heap[(place - 1) // 2]
            place = (place - 1) // 2
    heap[place, 0], heap[place, 1], heap[place, 2] = key, rank, row
    return found


@numba.njit(nogil=True, cache=True)
def _sink(heap: Ints, key: Int, rank: Int) -> int:
    """Make way from the top of a full heap; return the place where this entry belongs."""
    place = 0
    while 2 * place + 1 < len(heap):
        child = 2 * place + 1
        if child + 1 < len(heap) and _worse(heap, child + 1, heap[child, 0], heap[child, 1]):
            child += 1
        if not _worse(heap, child, key, rank):
            break
        heap[place] = heap[child]
        place = child
    return place


@numba.njit(nogil=True, cache=True)
def _worse(heap: Ints, place: int, key: Int, rank: Int) -> bool:
    return heap[place, 0] < key or (heap[place, 0] == key and heap[place, 1] < rank)


@numba.njit(nogil=True, cache=True)
def _set(query: Floats, places: Ints, values: Floats) -> None:
    for i in range(len(places)):
        query[places[i]] = values[i]
