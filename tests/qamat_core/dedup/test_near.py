"""Near-duplicates share answer, names and numbers, and most of their words; any order and partition gives the same."""

import random
from itertools import combinations
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qamat_core.dedup.changes import deduplicate
from qamat_core.dedup.near import _neighbours, fewest_bands, near_rule
from qamat_core.dedup.partitions import read_partition, write_spill
from qamat_core.dedup.survivors import one_per
from qamat_core.text import normalize_answer, normalize_question
from schemas.tables import QA_PAIRS
from tests.tasks.corpus import Row, pair

RULE = near_rule(0.6, 128, 128)
"""Compares nearly all pairs: a pair at the threshold is missed once in 10^50."""
ROWS = [
    pair("q1", "When was the writer Anna Dral born?", "1901", score=-1.0),
    pair("q2", "When was writer Anna Dral born?", "1901", score=-0.5),
    pair("q3", "When was the writer Anna Kesk born?", "1901"),
    pair("q4", "When was the writer Anna Dral born?", "1902"),
    pair("q5", "What is the capital of the country of Mol?", "1901"),
]


@st.composite
def pairs(draw: st.DrawFn) -> list[Row]:
    questions = draw(st.lists(st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=6), max_size=14))
    return [
        pair(
            f"q{number:02}",
            " ".join(words) + draw(st.sampled_from(["?", ", is it?", " in Mol?"])),
            draw(st.sampled_from(["yes", "The Yes", "no"])),
            score=-draw(st.integers(0, 2)),
        )
        for number, words in enumerate(questions)
    ]


def _table(rows: list[Row]) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=QA_PAIRS)


def _words(row: Row) -> set[str]:
    return set(normalize_question(str(row["question"])).replace(",", "").split())


def _duplicates(one: Row, other: Row) -> bool:
    if normalize_answer(str(one["answer"])) != normalize_answer(str(other["answer"])):
        return False
    if ("Mol" in str(one["question"])) != ("Mol" in str(other["question"])):
        return False
    return len(_words(one) & _words(other)) / len(_words(one) | _words(other)) >= 0.6


@given(pairs())
@settings(deadline=None)
def test_the_best_of_each_chain_of_duplicates_survives(rows: list[Row]):
    """All pairs are compared in another way: sets of Python, and chains united pair by pair."""
    chains = [{number} for number in range(len(rows))]
    for a, b in combinations(range(len(rows)), 2):
        if _duplicates(rows[a], rows[b]):
            met = [chain for chain in chains if a in chain or b in chain]
            chains = [chain for chain in chains if chain not in met] + [set().union(*met)]
    best = {
        row: min(chain, key=lambda number: (-float(str(rows[number]["score"])), rows[number]["qa_id"]))
        for chain in chains
        for row in chain
    }
    kept, fallen = one_per(RULE, _table(rows))
    assert kept["qa_id"].to_pylist() == [rows[number]["qa_id"] for number in sorted(set(best.values()))]
    survivor_of = dict(zip(fallen["qa_id"].to_pylist(), fallen["survivor_id"].to_pylist(), strict=True))
    assert survivor_of == {rows[a]["qa_id"]: rows[b]["qa_id"] for a, b in best.items() if a != b}


@given(pairs(), st.integers(1, 5), st.randoms(use_true_random=False))
@settings(deadline=None)
def test_neither_partitions_nor_order_matter(rows: list[Row], partitions: int, order: random.Random):
    rule = near_rule(0.6, 32, 4)
    shuffled = order.sample(rows, len(rows))
    with TemporaryDirectory() as folder:
        paths = [Path(folder) / str(number) for number in range(2)]
        for number, path in enumerate(paths):
            write_spill(_table(shuffled[number::2]), rule.keys, partitions, path)
        parts = [deduplicate(rule, read_partition(paths, number)) for number in range(partitions)]
    merged = sorted(row["qa_id"] for part in parts for row in part.survivors.to_dicts())
    assert merged == one_per(rule, _table(rows))[0]["qa_id"].to_pylist()


@pytest.mark.parametrize("order", [1, -1])
def test_only_what_asks_the_same_is_merged(order: int):
    kept, fallen = one_per(RULE, _table(ROWS[::order]))
    assert kept["qa_id"].to_pylist() == ["q2", "q3", "q4", "q5"]
    assert fallen.to_pylist() == [{"qa_id": "q1", "survivor_id": "q2", "rule": "near-question"}]


def test_derived_bands_find_planted_duplicates():
    rng = random.Random(0)
    words = [f"w{chr(97 + n // 26 % 26)}{chr(97 + n % 26)}{chr(97 + n // 676)}" for n in range(2000)]
    questions = [rng.sample(words, 12) for _ in range(2000)]
    copies = [[*question[:5], *question[6:], "new"] for question in questions[::10]]  # 11 of 13 words are shared
    rows = [pair(f"{number:05}", " ".join(words), "yes") for number, words in enumerate(questions + copies)]
    found = one_per(near_rule(0.8, 128, None), _table(rows))[1].num_rows
    assert 0.95 * len(copies) <= found <= len(copies)


@pytest.mark.parametrize(("threshold", "bands"), [(1.0, 1), (0.9, 16), (0.8, 16), (0.7, 32), (0.5, 64), (0.01, 128)])
def test_bands_grow_as_the_threshold_falls(threshold: float, bands: int):
    assert fewest_bands(threshold, 128) == bands


def test_a_large_bucket_gives_pairs_in_proportion_to_its_rows():
    pairs = _neighbours(np.zeros(3000, np.uint64))
    assert len(pairs) < 64 * 3000
    assert (pairs[:, 0] < pairs[:, 1]).all()
    assert set(pairs.flatten().tolist()) == set(range(3000))
