"""Near-duplicate questions: MinHash and LSH by rensa find candidates, the exact Jaccard similarity decides.

In: rows with a key (``near_keys``) and their questions. Out: a label a row; rows of one label are duplicates. Two
questions are near-duplicates if they have the same answer, names and numbers, and the Jaccard similarity of their
word sets is at least the threshold; so are those that a chain of near-duplicates links. Labels depend on the rows of
a key alone, so neither order nor partitions change them.
"""

from functools import partial
from typing import Final

import numpy as np
import polars as pl
from jaxtyping import Int64, UInt64
from rensa.rensa import RMinHash, RMinHashDigestMatrix, RMinHashLSH
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from qamat_core.dedup.keys import mix, near_keys, question_keys, stable_hashes
from qamat_core.dedup.survivors import Rule

RULE_NEAR: Final = "near-question"

_PUNCTUATION: Final = r"[^\w ]+"
_SEED: Final = 0
_BAND_VALUES: Final = 4
"""Rows that share a band are few; which of them belong together is told by bands of at most so many values."""
_NEIGHBOURS: Final = 64
"""In a bucket of LSH a row is compared with so many rows after it, by question: the cost stays linear."""
_RECALL: Final = 0.9


def near_rule(threshold: float, permutations: int, bands: int | None) -> Rule:
    """Return the rule that keeps one of all near-duplicate questions.

    Args:
        threshold: the least Jaccard similarity of two word sets, over 0 up to 1.
        permutations: values of a MinHash signature.
        bands: parts of a signature; two rows are compared if they agree on one of them. None for ``fewest_bands``.
    """
    bands = bands or fewest_bands(threshold, permutations)
    return Rule(
        RULE_NEAR, near_keys, partial(near_clusters, threshold=threshold, permutations=permutations, bands=bands)
    )


def fewest_bands(threshold: float, permutations: int) -> int:
    """Return the smallest number of bands under which 90 % of the pairs at the threshold are compared.

    Two signatures of b bands of r values agree on a band with probability 1 - (1 - threshold^r)^b.
    """
    divisors = [bands for bands in range(1, permutations + 1) if permutations % bands == 0]
    enough = [b for b in divisors if 1 - (1 - threshold ** (permutations // b)) ** b >= _RECALL]
    return enough[0] if enough else permutations


def near_clusters(frame: pl.DataFrame, threshold: float, permutations: int, bands: int) -> pl.Series:
    """Return a label a row; rows of one label are near-duplicates.

    Args:
        frame: columns ``qa_id``, ``question`` and ``key``, in any order.
        threshold: the least Jaccard similarity.
        permutations: values of a signature.
        bands: a divisor of ``permutations``.
    """
    meeting = frame.select("qa_id", "question", "key").with_row_index("row").filter(pl.col("key").is_duplicated())
    rows = meeting.with_columns(words=_words(question_keys(meeting)))
    shared = _share_a_band(_signatures(rows, permutations), permutations, bands)
    flagged = rows.filter(shared).with_columns(pl.col("words").list.unique()).sort("question", "qa_id")
    pairs = _verified(flagged, _candidates(flagged, min(permutations // bands, _BAND_VALUES), bands), threshold)
    linked = flagged["row"].to_numpy()[pairs]
    links = coo_array((np.ones(len(pairs)), (linked[:, 0], linked[:, 1])), shape=(frame.height, frame.height))
    return pl.Series("cluster", connected_components(links, directed=False)[1])


def _words(questions: pl.Series) -> pl.Series:
    """Split normalised questions into words, without punctuation."""
    plain = questions.str.replace_all(_PUNCTUATION, "").str.replace_all("  +", " ").str.strip_chars(" ")
    return plain.str.split(" ")


def _signatures(rows: pl.DataFrame, permutations: int) -> RMinHashDigestMatrix:
    """Return the MinHash signature of each row's words; words of unlike keys never agree."""
    words = rows["words"].to_arrow()
    counts = np.asarray(words.value_lengths())
    codes = words.flatten().dictionary_encode()
    distinct = stable_hashes(pl.Series(codes.dictionary, dtype=pl.String))
    hashes = distinct[np.asarray(codes.indices)] ^ np.repeat(stable_hashes(rows["key"]), counts)
    starts = np.concatenate([[0], counts.cumsum()]).astype(np.uint64)
    return RMinHash.digest_matrix_from_flat_token_hashes(mix(hashes), starts, permutations, _SEED)


def _share_a_band(signatures: RMinHashDigestMatrix, permutations: int, bands: int) -> pl.Series:
    """Say of each row whether it agrees with another one on a band."""
    search = RMinHashLSH(threshold=0.0, num_perm=permutations, num_bands=bands)  # the threshold plays no part here
    return pl.Series(search.query_duplicate_flags_matrix_one_shot(signatures), dtype=pl.Boolean)


def _candidates(rows: pl.DataFrame, band_values: int, bands: int) -> Int64[np.ndarray, "N 2"]:
    """Return pairs of rows (first before second) that agree on a band of so many values, each once."""
    signatures = _signatures(rows, bands * band_values)
    values = np.array(signatures.to_rows(), np.uint64).reshape(rows.height, bands, band_values)
    found = [_neighbours(_folded(values[:, band])) for band in range(bands)]
    first, second = np.concatenate(found).T
    return np.stack(np.divmod(np.unique(first * len(values) + second), len(values)), axis=1)


def _folded(band: UInt64[np.ndarray, "N R"]) -> UInt64[np.ndarray, " N"]:
    hashes = np.zeros(len(band), np.uint64)
    for column in band.T:
        hashes = mix(hashes ^ column)
    return hashes


def _neighbours(buckets: UInt64[np.ndarray, " N"]) -> Int64[np.ndarray, "P 2"]:
    """Return pairs of rows of one bucket, at most ``_NEIGHBOURS`` apart in it."""
    order = np.argsort(buckets, kind="stable")
    pairs = [np.empty((0, 2), np.int64)]
    for apart in range(1, min(_NEIGHBOURS, len(order) - 1) + 1):
        same = buckets[order[:-apart]] == buckets[order[apart:]]
        if not same.any():
            break
        pairs.append(np.stack([order[:-apart][same], order[apart:][same]], axis=1))
    return np.concatenate(pairs)


def _verified(rows: pl.DataFrame, pairs: Int64[np.ndarray, "N 2"], threshold: float) -> Int64[np.ndarray, "M 2"]:
    """Return the pairs under one key whose word sets are similar enough."""
    first, second = rows[pairs[:, 0]], rows[pairs[:, 1]]
    sides = pl.DataFrame({"key": first["key"], "other": second["key"], "a": first["words"], "b": second["words"]})
    shared = pl.col("a").list.set_intersection("b").list.len()
    total = pl.col("a").list.len() + pl.col("b").list.len() - shared
    similar = sides.select((pl.col("key") == pl.col("other")) & (shared / total >= threshold))
    return pairs[similar.to_series().to_numpy()]
