"""Pre-training examples: a passage with some answer spans masked, and the entries that fill them (section 4.2)."""

import random
from dataclasses import dataclass

from qamat_core.masking import Span, mask_spans
from qamat_core.memory_columns import MemoryColumns
from schemas.corpus import NegativesConfig
from schemas.tables import stable_id


@dataclass(frozen=True)
class MaskedPassage:
    """One example: ``rows`` are the positive entries' rows of the memory, in the order of the masks."""

    example_id: str
    masked_text: str
    targets: tuple[str, ...]
    rows: tuple[int, ...]


def mask_passage(passage_id: str, text: str, memory: MemoryColumns, config: NegativesConfig) -> list[MaskedPassage]:
    """Make a passage's examples; every pair whose answer stands in the text is masked once, before the limit applies.

    What is masked together is drawn by the seed and the passage's id. A passage without such pairs gives none.
    """
    rng = random.Random(f"{config.seed}/{passage_id}")
    spans = {row: span for row in memory.of_passage.get(passage_id) if (span := _span(memory, row, text))}
    groups = group_spans(spans, config.spans_per_passage, rng)[: config.examples_per_passage]
    return [_example(passage_id, text, {row: spans[row] for row in group}, memory) for group in groups]


def group_spans(spans: dict[int, Span], most: int, rng: random.Random) -> list[list[int]]:
    """Deal rows into groups of 1 to ``most`` (drawn) disjoint spans, each ordered by position; no row is left out.

    A group is smaller than drawn where the rest overlaps it.
    """
    waiting = rng.sample(sorted(spans), len(spans))
    groups: list[list[int]] = []
    while waiting:
        size = rng.randint(1, most)
        group: list[int] = []
        for row in waiting:
            if len(group) < size and not any(spans[row].overlaps(spans[other]) for other in group):
                group.append(row)
        waiting = [row for row in waiting if row not in group]
        groups.append(sorted(group, key=lambda row: spans[row].start))
    return groups


def _span(memory: MemoryColumns, row: int, text: str) -> Span | None:
    start = memory.starts[row]
    span = None if start is None else Span(start, memory.answers[row])
    return span if span and span.stands_in(text) else None


def _example(passage_id: str, text: str, spans: dict[int, Span], memory: MemoryColumns) -> MaskedPassage:
    targets = [span.text for span in spans.values()]
    ids = [memory.ids[row] for row in spans]
    return MaskedPassage(
        stable_id(passage_id, *ids), mask_spans(text, list(spans.values())), tuple(targets), tuple(spans)
    )
