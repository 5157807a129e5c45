"""Hard negatives follow BM25's order and leave out whatever answers the example."""

import pytest

from qamat_core.bm25 import BM25
from qamat_core.hard_negatives import HardNegatives, Negative
from qamat_core.memory_columns import MemoryColumns
from qamat_core.pretraining_examples import MaskedPassage, mask_passage
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


def _mine(memory: MemoryColumns, config: NegativesConfig, *examples: MaskedPassage) -> list[list[Negative]]:
    index = BM25(memory.ids, memory.questions, k1=config.k1, b=config.b)
    return HardNegatives(memory, index, config).mine(examples, [TEXT] * len(examples))


@pytest.mark.parametrize("query", ["passage", "question"])
def test_what_answers_the_example_is_no_negative(memory: MemoryColumns, query: str):
    config = NegativesConfig.model_validate({"negative_query": query, "spans_per_passage": 1})
    examples = mask_passage("p", TEXT, memory, config)
    assert len(examples) == 2
    for mined in _mine(memory, config, *examples):
        assert [memory.ids[negative.row] for negative in mined] == ["near", "far", "unrelated"]
        assert [negative.kind for negative in mined] == ["bm25", "bm25", "random"]


def test_no_more_than_wanted(memory: MemoryColumns):
    config = NegativesConfig(negatives_per_example=1)
    example = mask_passage("p", TEXT, memory, config)[0]
    assert [[memory.ids[negative.row] for negative in mined] for mined in _mine(memory, config, example)] == [["near"]]
    none = NegativesConfig(negatives_per_example=0)
    assert _mine(memory, none, example) == [[]]


def test_random_ones_are_counted_inside_and_depend_on_the_example_alone(memory: MemoryColumns):
    config = NegativesConfig(negatives_per_example=2, random_negatives=1, spans_per_passage=1)
    first, second = mask_passage("p", TEXT, memory, config)
    both, alone = _mine(memory, config, first, second), _mine(memory, config, second)
    assert both[1] == alone[0]
    for mined in both:
        assert [negative.kind for negative in mined] == ["bm25", "random"]
        assert memory.ids[mined[0].row] == "near"
        assert memory.ids[mined[1].row] in {"far", "unrelated"}


def test_more_is_asked_for_where_the_first_hits_all_answer_the_example():
    same = [(f"s{n:03}", "where was Bo Kin born in Dorf?", "Dorf", [], "q", n) for n in range(200)]
    memory = MemoryColumns(*map(list, zip(*same, *ENTRIES, strict=True)))  # pyright: ignore
    config = NegativesConfig(negatives_per_example=2, spans_per_passage=1)
    (mined,) = _mine(memory, config, mask_passage("p", TEXT, memory, config)[0])
    assert [memory.ids[negative.row] for negative in mined] == ["near", "far"]


def test_no_more_random_ones_than_negatives():
    with pytest.raises(ValueError, match="random_negatives is above negatives_per_example"):
        NegativesConfig(negatives_per_example=1, random_negatives=2)
