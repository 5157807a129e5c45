"""What two entries share weighs what BM25 gives for it."""

import pytest

from qamat_core.overlap import PairOverlap

QUESTIONS = ["who wrote the red book?", "who wrote the blue book in town?", "where is the town?", "how old is Al?"]


@pytest.fixture(scope="module")
def overlap() -> PairOverlap:
    return PairOverlap(["a", "b", "c", "d"], QUESTIONS, k1=0.9, b=0.4)


@pytest.mark.parametrize("row", range(4))
def test_an_entry_shares_with_itself_its_whole_score(overlap: PairOverlap, row: int):
    query = "who wrote the book in the town"
    asked = set(query.split())
    assert overlap.shared(asked, row, row) == pytest.approx(overlap.scores(" ".join(asked))[row], abs=1e-5)


def test_two_entries_share_the_smaller_weight_of_their_common_words(overlap: PairOverlap):
    common = overlap.scores("who wrote")
    assert overlap.shared({"who", "wrote", "red"}, 0, 1) == pytest.approx(min(common[0], common[1]), abs=1e-5)
    assert overlap.shared({"who", "wrote"}, 0, 3) == 0


def test_both_add_when_each_has_a_word_of_its_own(overlap: PairOverlap):
    assert overlap.both_add({"red", "blue", "who"}, 0, 1)
    assert not overlap.both_add({"red", "who"}, 0, 1)
