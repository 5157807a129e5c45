"""Chains of two passages, best first, and what the second round is asked with."""

import numpy as np

from qamat_core.passages.hops import Chain, best_chains, hop_queries, passages_of
from schemas.records import Passage
from tests.qamat_core.qamat import tiny


def test_the_second_query_has_the_first_passage_behind_the_question():
    ada = Passage.of("test", "Ada", "Ada", "Ada lives in Dorf.")
    rows = hop_queries(["Where does Ada live?"] * 2, [None, ada], tiny.tokenizer(), 60)
    texts = [tiny.tokenizer().decode(row) for row in rows]
    assert texts == [
        "<extra_id_0> Where does Ada live?",
        "<extra_id_0> Where does Ada live? Ada Ada lives in Dorf.",
    ]


def test_chains_are_sorted_by_both_scores_and_never_end_where_they_began():
    firsts, scores = np.array([7, 3, -1]), np.array([2.0, 1.5, -np.inf])
    seconds = np.array([[7, 4], [5, 7], [0, 1]])
    chains = best_chains(firsts, scores, seconds, np.array([[9.0, 1.0], [1.5, 0.5], [0.0, 0.0]]))
    assert chains == [Chain(3, 5, 3.0), Chain(7, 4, 3.0), Chain(3, 7, 2.0)]
    assert passages_of(chains, 3) == [(3, 3.0), (5, 3.0), (7, 3.0)]
    assert passages_of([], 3) == []
