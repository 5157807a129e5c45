"""Articles cut into passages: disjoint blocks of 100 words, each with its place (Karpukhin et al. 2020, section 4.1).

The last block of an article may be shorter. Joined with spaces the blocks of an article are its plain text.
"""

from collections.abc import Iterator
from typing import Final

from schemas.records import Passage

BLOCK_WORDS: Final = 100


def cut(text: str, words: int = BLOCK_WORDS) -> Iterator[tuple[int, str]]:
    """Give (offset, block): ``block`` stands at that character of the text with single spaces between its words."""
    found, offset = text.split(), 0
    for start in range(0, len(found), words):
        block = " ".join(found[start : start + words])
        yield offset, block
        offset += len(block) + 1


def passages_of(source: str, article: str, title: str, text: str) -> Iterator[Passage]:
    """Give an article's passages; their ``source_id`` is ``article:offset``."""
    for offset, block in cut(text):
        yield Passage.of(source, f"{article}:{offset}", title, block)
