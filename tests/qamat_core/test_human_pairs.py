"""Questions of data sets and imported pairs become one memory, one pair a question."""

import pyarrow as pa

from qamat_core.human_pairs import gather, pairs_of
from schemas.tables import QA_EXAMPLES, QA_PAIRS
from tests.tasks.corpus import example, pair


def test_the_first_answer_is_the_pairs_the_others_are_aliases():
    table = pairs_of(pa.Table.from_pylist([example(0, "who", "Ada", "Ada", "A. L.")], schema=QA_EXAMPLES))
    assert table.schema == QA_PAIRS
    (row,) = table.to_pylist()
    assert (row["question"], row["answer"], row["aliases"], row["origin"]) == ("who", "Ada", ["A. L."], "t")


def test_one_pair_a_normalised_question_and_the_others_are_duplicates():
    asked = pairs_of(pa.Table.from_pylist([example(0, "who is it", "Ada")], schema=QA_EXAMPLES))
    others = pa.Table.from_pylist([pair("z", "Who is it?", "Bela"), pair("y", "where", "Dorf")], schema=QA_PAIRS)
    memory, duplicates = gather([asked, others])
    assert memory.num_rows == 2
    assert duplicates.num_rows == 1
    assert set(memory.column("question").to_pylist()) >= {"where"}


def test_the_same_pair_twice_is_one_and_no_duplicate_of_itself():
    asked = pairs_of(pa.Table.from_pylist([example(0, "who", "Ada"), example(1, "who", "Ada")], schema=QA_EXAMPLES))
    memory, duplicates = gather([asked, asked])
    assert (memory.num_rows, duplicates.num_rows) == (1, 0)
