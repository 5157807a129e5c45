"""A question asks for other pairs with its answer, never for its own."""

import pyarrow as pa

from qamat_core.bm25 import BM25
from qamat_core.memory_columns import MemoryColumns
from qamat_core.question_examples import QuestionExample, QuestionExamples
from schemas.human import QuestionExamplesConfig

PAIRS = [
    ("who wrote the play hamlet", "Shakespeare", []),
    ("who is the author of the play hamlet", "William Shakespeare", ["shakespeare"]),
    ("Who wrote the play Hamlet?", "Marlowe", []),
    ("who wrote the play faust", "Goethe", []),
    ("who acts in the play faust", "Gründgens", []),
    ("largest", "Jupiter", []),
]


def _examples(**config: float) -> list[list[QuestionExample]]:
    questions, answers, aliases = map(list, zip(*PAIRS, strict=True))
    ids = [f"q{number}" for number in range(len(PAIRS))]
    nothing = [None] * len(PAIRS)
    memory = MemoryColumns(ids, questions, answers, aliases, nothing, nothing)
    settings = QuestionExamplesConfig.model_validate(config)
    return QuestionExamples(memory, BM25(ids, questions), settings).make(range(len(PAIRS)))


def test_positives_are_other_pairs_whose_answer_is_one_of_its_own():
    made = _examples()
    assert [(one.positive, one.target) for one in made[1]] == [(0, "Shakespeare")]
    assert made[1][0].masked_text == "<extra_id_0> who is the author of the play hamlet"


def test_negatives_have_other_answers_and_do_not_ask_the_same():
    for row, own in enumerate(_examples()):
        for example in own:
            assert row not in example.negatives
            asked = {PAIRS[negative][0].lower().rstrip("?") for negative in example.negatives}
            assert PAIRS[row][0].lower().rstrip("?") not in asked
            answers = {PAIRS[row][1], *PAIRS[row][2]}
            assert answers.isdisjoint(PAIRS[negative][1] for negative in example.negatives)
    assert 2 in _examples()[1][0].negatives


def test_a_question_that_no_other_pair_answers_gives_nothing():
    assert [row for row, own in enumerate(_examples()) if not own] == [0, 2, 3, 4, 5]


def test_limits_hold():
    made = _examples(negatives_per_example=1)
    assert all(len(example.negatives) <= 1 for own in made for example in own)


def test_ids_do_not_change():
    assert _examples() == _examples()
    table = pa.Table.from_pylist([{"id": example.example_id} for own in _examples() for example in own])
    assert len(set(table.column("id").to_pylist())) == table.num_rows
