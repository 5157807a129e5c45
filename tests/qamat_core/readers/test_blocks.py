"""Blocks of an article: disjoint, whole, and where they say they are."""

from hypothesis import given
from hypothesis import strategies as st

from qamat_core.readers.blocks import cut, passages_of


@given(st.text(alphabet="ab \n\t\u00a0\u2003\U0001f600", max_size=300), st.integers(1, 7))
def test_blocks_are_the_text_again_and_stand_at_their_offsets(text: str, words: int) -> None:
    plain, blocks = " ".join(text.split()), list(cut(text, words))
    assert " ".join(block for _, block in blocks) == plain
    assert all(plain.startswith(block, offset) for offset, block in blocks)
    assert all(len(block.split()) == words for _, block in blocks[:-1])


def test_a_passage_tells_its_article_and_its_place() -> None:
    first, second = passages_of("wikipedia", "12", "T", "word " * 150)
    assert (first.source_id, second.source_id, second.title) == ("12:0", "12:500", "T")
    assert second.text == " ".join(["word"] * 50)
