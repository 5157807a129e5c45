"""BM25 agrees with the formula written out in plain Python, and its order is exact."""

from collections import Counter
from math import log

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from qamat_core.bm25 import BM25
from qamat_core.text import word_tokens

K1, B = 0.9, 0.4
WORDS = st.sampled_from(["who", "was", "born", "in", "Marel", "Toskin", "1900", "?"])
TEXTS = st.lists(st.lists(WORDS, max_size=6).map(" ".join), max_size=15)


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


@settings(deadline=None)
@given(TEXTS, st.lists(WORDS, max_size=8).map(" ".join), st.integers(1, 6))
def test_scores_and_order_are_those_of_the_formula(texts: list[str], query: str, k: int):
    ids = [f"{(number * 7) % 16:02}" for number in range(len(texts))]
    index = BM25(ids, texts, k1=K1, b=B)
    expected = _plain(texts, query)
    np.testing.assert_allclose(index.scores(query), expected, atol=2e-5)
    hits = index.search(query, k)
    ranked = sorted((-round(float(score), 4), qa_id) for score, qa_id in zip(index.scores(query), ids, strict=True))
    assert [hit.id for hit in hits] == [qa_id for score, qa_id in ranked if score < 0][:k]
    assert all(ids[hit.row] == hit.id for hit in hits)


def test_ties_go_by_id_wherever_the_cut_falls():
    index = BM25([f"q{n}" for n in (5, 3, 4, 1, 2)], ["same words"] * 5)
    assert [hit.id for hit in index.search("words", 3)] == ["q1", "q2", "q3"]


def test_nothing_in_common_finds_nothing():
    index = BM25(["a", "b"], ["one two", ""])
    assert index.search("three", 2) == []
    assert [hit.id for hit in index.search("two three", 2)] == ["a"]


def test_an_empty_index_finds_nothing():
    assert BM25([], []).search("anything", 3) == []
    assert BM25(["a"], ["?"]).search("anything", 3) == []
