"""Hard negatives follow BM25's order and leave out whatever answers the example."""

import pytest

from qamat_core.hard_negatives import HardNegatives
from qamat_core.memory_columns import MemoryColumns
from qamat_core.pretraining_examples import mask_passage
from schemas.corpus import NegativesConfig

TEXT = "Bo Kin was born in Dorf."
ENTRIES = [  # id, question, answer, aliases, passage, start
    ("own", "where was Bo Kin born?", "Dorf", [], "p", 19),
    ("same-span", "Bo Kin was born in what city?", "Dorf", [], "p", 19),
    ("same-answer", "where was Al Kin born?", "the dorf", [], "q", 0),
    ("same-alias", "where was Bo Senn born?", "Stad", ["Dorf"], "q", 5),
    ("near", "when was Bo Kin born?", "1900", [], "q", 9),
    ("far", "who was it?", "Al", [], None, None),
    ("unrelated", "how many?", "7", [], None, None),
]


@pytest.fixture(scope="module")
def memory() -> MemoryColumns:
    return MemoryColumns(*(list(column) for column in zip(*ENTRIES, strict=True)))  # pyright: ignore


@pytest.mark.parametrize("query", ["passage", "question"])
def test_what_answers_the_example_is_no_negative(memory: MemoryColumns, query: str):
    config = NegativesConfig.model_validate({"negative_query": query, "spans_per_passage": 1})
    examples = mask_passage("p", TEXT, memory, config)
    assert len(examples) == 2
    for example in examples:
        mined = HardNegatives(memory, config).mine(example, TEXT)
        assert [memory.ids[negative.row] for negative in mined] == ["near", "far", "unrelated"]
        assert [negative.kind for negative in mined] == ["bm25", "bm25", "random"]


def test_no_more_than_wanted(memory: MemoryColumns):
    config = NegativesConfig(negatives_per_example=1)
    example = mask_passage("p", TEXT, memory, config)[0]
    assert [memory.ids[negative.row] for negative in HardNegatives(memory, config).mine(example, TEXT)] == ["near"]
    none = NegativesConfig(negatives_per_example=0)
    assert HardNegatives(memory, none).mine(example, TEXT) == []
