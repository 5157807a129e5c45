"""The default engine agrees with the formula written out and with bm25s; its order is exact, however texts are cut."""

import csv
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from math import log
from pathlib import Path

import bm25s
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qamat_core.bm25 import BM25, Hit
from qamat_core.bm25.building import build_index
from qamat_core.text import word_tokens

K1, B = 0.9, 0.4
WORDS = st.sampled_from(
    ["who", "was", "born", "in", "Marel", "Toskin", "1900", "?", "été", "e\u0301te\u0301", "\U0001d7d9"]
)
TEXTS = st.lists(st.lists(WORDS, max_size=6).map(" ".join), max_size=15)
QUERIES = st.lists(WORDS, max_size=12).map(" ".join)


def _plain(texts: list[str], query: str) -> list[float]:
    documents = [Counter(word_tokens(text)) for text in texts]
    mean = sum(sum(document.values()) for document in documents) / max(len(documents), 1)
    scores = [0.0] * len(documents)
    for word in word_tokens(query):
        frequency = sum(word in document for document in documents)
        idf = log(1 + (len(documents) - frequency + 0.5) / (frequency + 0.5))
        for number, document in enumerate(documents):
            if count := document[word]:
                scores[number] += idf * count / (count + K1 * (1 - B + B * sum(document.values()) / mean))
    return scores


def _ranked(index: BM25, ids: list[str], query: str, k: int) -> list[Hit]:
    """Rank everything by the unpruned scores."""
    rounded = [round(score, 4) for score in index.scores(query).tolist()]
    rows = sorted(range(len(ids)), key=lambda row: (-rounded[row], ids[row]))
    return [Hit(row, rounded[row]) for row in rows if rounded[row] > 0][:k]


def _ids(texts: list[str]) -> list[str]:
    return [f"{(number * 7919) % 1000003:07}" for number in range(len(texts))]


@settings(deadline=None)
@given(TEXTS, QUERIES, st.integers(1, 6), st.integers(1, 16))
def test_scores_and_order_are_those_of_the_formula(texts: list[str], query: str, k: int, block_rows: int):
    index = BM25(_ids(texts), texts, k1=K1, b=B, block_rows=block_rows)
    np.testing.assert_allclose(index.scores(query), _plain(texts, query), atol=1e-5)
    assert index.search(query, k) == _ranked(index, _ids(texts), query, k)


@settings(deadline=None)
@given(TEXTS, st.lists(QUERIES, max_size=4), st.integers(1, 8))
def test_an_index_of_many_blocks_equals_one_block(texts: list[str], queries: list[str], block_rows: int):
    whole, cut = (BM25(_ids(texts), texts, block_rows=rows) for rows in (100, block_rows))
    for query in queries:
        assert np.array_equal(whole.scores(query), cut.scores(query))
    assert whole.batch_search(queries, 5) == cut.batch_search(queries, 5)


@pytest.fixture(scope="module")
def zipfian() -> tuple[list[str], list[str]]:
    """Texts and passage-long queries whose words are as unevenly spread as in a language; many texts are equal."""
    rng = np.random.default_rng(0)
    words = np.array([f"w{number}" for number in range(3000)])
    draw = lambda size: " ".join(words[np.minimum(rng.zipf(1.3, size) - 1, 2999)])  # noqa: E731
    return [draw(rng.integers(1, 12)) for _ in range(3000)], [draw(100) for _ in range(40)]


@pytest.mark.parametrize("block_rows", [100, 1000, 65536])
@pytest.mark.parametrize("k", [1, 32, 5000])
def test_pruning_changes_nothing(zipfian: tuple[list[str], list[str]], block_rows: int, k: int):
    texts, queries = zipfian
    index = BM25(_ids(texts), texts, block_rows=block_rows)
    for query in queries:
        assert index.search(query, k) == _ranked(index, _ids(texts), query, k)


def test_threads_find_the_same(zipfian: tuple[list[str], list[str]]):
    texts, queries = zipfian
    index = BM25(_ids(texts), texts, block_rows=500)
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda query: index.search(query, 10), queries * 5)) == index.batch_search(queries * 5, 10)


def test_scores_are_those_of_bm25s(zipfian: tuple[list[str], list[str]]):
    texts, queries = zipfian
    ours, theirs = BM25(_ids(texts), texts, k1=K1, b=B), bm25s.BM25(k1=K1, b=B, method="lucene")
    theirs.index([word_tokens(text) for text in texts], show_progress=False)
    for query in queries:
        np.testing.assert_allclose(ours.scores(query), theirs.get_scores(word_tokens(query)), rtol=1e-5, atol=1e-5)


def test_ties_go_by_id_wherever_the_cut_falls():
    index = BM25([f"q{n}" for n in (5, 3, 4, 1, 2)], ["same words"] * 5, block_rows=2)
    assert [hit.row for hit in index.search("words", 3)] == [3, 4, 1]


def test_nothing_in_common_finds_nothing():
    index = BM25(["a", "b"], ["one two", ""])
    assert index.search("three", 2) == []
    assert [hit.row for hit in index.search("two three", 2)] == [0]


def test_an_empty_index_finds_nothing():
    assert BM25([], []).search("anything", 3) == []
    assert BM25(["a"], ["?"]).search("anything", 3) == []
    assert BM25(["a"], ["?"]).scores("anything").tolist() == [0]


def test_an_index_is_found_again_where_it_was_built(tmp_path: Path):
    texts = ["who was born in Marel", "in 1900", "who"]
    build_index(_ids(texts), iter(texts), tmp_path / "index")
    again = BM25.open(tmp_path / "index")
    assert again.search("born in 1900", 3) == BM25(_ids(texts), texts).search("born in 1900", 3)
    assert not [path for path in (tmp_path / "index").iterdir() if path.is_dir()]  # what the first pass counted is gone


def test_an_index_in_memory_leaves_no_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    index = BM25(["a"], ["one two"])
    assert list(tmp_path.iterdir()) == []
    assert index.search("two", 1)[0].row == 0


def test_pruning_changes_nothing_on_real_passages(shared_data: Path):
    with (shared_data / "passages" / "psgs_w100_subset.tsv").open(newline="") as file:
        texts = [row["text"] for row in islice(csv.DictReader(file, delimiter="\t"), 2000)]
    questions = [sentence for text in texts for sentence in text.split(". ")]
    index = BM25(_ids(questions), questions, block_rows=4096)
    for text in texts[:100]:
        assert index.search(text, 32) == _ranked(index, _ids(questions), text, 32)
