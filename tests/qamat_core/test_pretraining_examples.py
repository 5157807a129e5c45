"""Every pair of a passage is masked once, in disjoint groups, the same on every run."""

import itertools
import random

from hypothesis import given
from hypothesis import strategies as st

from qamat_core.masking import Span, unmask
from qamat_core.memory_columns import MemoryColumns
from qamat_core.pretraining_examples import group_spans, mask_passage
from schemas.corpus import NegativesConfig

TEXT = "Bo Kin was born in Dorf in 1900."
SPANS = [(0, "Bo Kin"), (3, "Kin"), (19, "Dorf"), (27, "1900"), (27, "190"), (4, "wrong")]


def _memory() -> MemoryColumns:
    count = len(SPANS)
    return MemoryColumns(
        ids=[f"q{n}" for n in range(count)],
        questions=["?"] * count,
        answers=[text for _, text in SPANS],
        aliases=[[] for _ in SPANS],
        passages=["p"] * count,
        starts=[start for start, _ in SPANS],
    )


@given(st.integers(0, 50), st.integers(1, 5))
def test_every_pair_that_stands_in_the_text_is_masked_once(seed: int, most: int):
    examples = mask_passage("p", TEXT, _memory(), NegativesConfig(seed=seed, spans_per_passage=most))
    assert sorted(row for example in examples for row in example.rows) == [0, 1, 2, 3, 4]
    assert all(1 <= len(example.rows) <= most for example in examples)
    assert all(unmask(example.masked_text, example.targets) == TEXT for example in examples)
    assert len({example.example_id for example in examples}) == len(examples)


@given(st.dictionaries(st.integers(0, 9), st.builds(Span, st.integers(0, 8), st.sampled_from(["a", "bc", "def"]))))
def test_groups_are_disjoint_and_in_order(spans: dict[int, Span]):
    groups = group_spans(spans, 3, random.Random(0))
    assert sorted(row for group in groups for row in group) == sorted(spans)
    for group in groups:
        assert all(spans[a].end <= spans[b].start for a, b in itertools.pairwise(group))


def test_the_limit_holds():
    examples = mask_passage("p", TEXT, _memory(), NegativesConfig(spans_per_passage=1, examples_per_passage=2))
    assert [len(example.rows) for example in examples] == [1, 1]


def test_a_passage_without_pairs_gives_no_example():
    assert mask_passage("other", TEXT, _memory(), NegativesConfig()) == []
