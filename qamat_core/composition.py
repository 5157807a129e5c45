"""Questions made of a memory itself: each entry's own, and two entries composed (an aid, not in the paper).

Composed are two entries that mining would link (Appendix D): the answer of the first stands as a phrase in the
question of the final one, which comes from another passage. The first one's question takes that phrase's place: "which
river flows through Dorvan?" and "where was Ada born?" (Dorvan) give "which river flows through where was Ada born?".
"""

from collections.abc import Iterator
from typing import NamedTuple

from qamat_core.memory_columns import MemoryColumns
from qamat_core.text import normalize_answer
from schemas.corpus import ComposeConfig


class Composed(NamedTuple):
    """A question with the rows of the entries that answer it; ``first`` is None for one hop."""

    question: str
    first: int | None
    final: int


def compose(memory: MemoryColumns, final: int, config: ComposeConfig) -> Iterator[Composed]:
    """Yield the questions whose answer is that of the entry in row ``final``."""
    question = memory.questions[final]
    if config.hops == 1:
        yield Composed(question, None, final)
        return
    words = question.removesuffix("?").split()
    for start, end, phrase in _phrases(words, config.max_answer_words):
        firsts = [row for row in memory.with_answer.get(phrase, ()) if memory.elsewhere(row, final)]
        for first in sorted(firsts, key=memory.ids.__getitem__)[: config.firsts_per_final]:
            inner = memory.questions[first].removesuffix("?")
            yield Composed(f"{' '.join([*words[:start], inner, *words[end:]])}?", first, final)


def _phrases(words: list[str], longest: int) -> Iterator[tuple[int, int, str]]:
    """Yield start, end and normalised form of every run of words, the longest first, each form once."""
    seen: set[str] = set()
    for length in range(min(longest, len(words)), 0, -1):
        for start in range(len(words) - length + 1):
            phrase = normalize_answer(" ".join(words[start : start + length]))
            if phrase not in seen:
                seen.add(phrase)
                yield start, start + length, phrase
