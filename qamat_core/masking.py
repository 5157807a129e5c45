"""Masking answer spans of a passage with T5's sentinels, the input of pre-training (section 4.2)."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of a text: the character at which it starts (from 0) and its words."""

    start: int
    text: str

    @property
    def end(self) -> int:
        """The character after its last one."""
        return self.start + len(self.text)

    def overlaps(self, other: "Span") -> bool:
        """Whether the two share a character."""
        return self.start < other.end and other.start < self.end

    def stands_in(self, text: str) -> bool:
        """Whether its words stand in the text where it says."""
        return self.start >= 0 and bool(self.text) and text.startswith(self.text, self.start)


def sentinel(number: int) -> str:
    """Return the mask of the span that comes as number ``number`` (from 0) in the text."""
    return f"<extra_id_{number}>"


def mask_spans(text: str, spans: Sequence[Span]) -> str:
    """Replace the spans, ordered by position and disjoint, by ``<extra_id_0>``, ``<extra_id_1>`` ...

    Raises:
        ValueError: a span does not stand in the text, or begins before the one in front of it ends.
    """
    parts: list[str] = []
    end = 0
    for number, span in enumerate(spans):
        if span.start < end or not span.stands_in(text):
            raise ValueError(f"span {span} does not stand in the text after character {end}")
        parts += [text[end : span.start], sentinel(number)]
        end = span.end
    return "".join([*parts, text[end:]])


def unmask(masked: str, targets: Sequence[str]) -> str:
    """Put the targets in the place of the sentinels: undoes ``mask_spans`` for texts without sentinels of their own."""
    parts: list[str] = []
    for number, target in enumerate(targets):
        before, found, masked = masked.partition(sentinel(number))
        if not found:
            raise ValueError(f"{sentinel(number)} is missing")
        parts += [before, target]
    return "".join([*parts, masked])
