"""Test questions by their overlap with training questions."""

from hypothesis import given
from hypothesis import strategies as st

from qamat_core.batches import to_table
from qamat_core.evaluation.overlap_splits import near_questions
from schemas.records import QAExample


def table(split: str, *rows: tuple[str, list[str]], dataset: str = "nq"):
    return to_table(
        [QAExample.of(question, tuple(answers), dataset, split) for question, answers in rows], "qa_examples"
    )


TRAIN = table(
    "train",
    ("who plays Ken Barlow in Coronation Street", ["Bill Roache", "William Roache"]),
    ("what is the capital of France", ["Paris"]),
    ("what is the capital of Spain", ["Madrid"]),
)


def test_a_question_an_answer_or_nothing_overlaps() -> None:
    test = table(
        "test",
        ("Who plays Ken Barlow in Coronation Street?", ["The William Roache"]),
        ("who played ken barlow on coronation street", ["bill roache!"]),
        ("where was the treaty of 1783 signed", ["Versailles", "paris."]),
        ("what is the capital of Portugal", ["Lisbon"]),
        ("what is the capital of Spain", ["Barcelona"]),
    )
    rows = near_questions(TRAIN, test, 0.5).to_pylist()
    assert [row["overlap"] for row in rows] == ["question", "question", "answer", "none", "none"]
    assert [row["example_id"] for row in rows] == test.column("example_id").to_pylist()
    assert rows[0]["similarity"] == 1, "case and marks do not count"
    assert rows[1]["train_question"] == "who plays Ken Barlow in Coronation Street"
    assert rows[2]["train_question"] == "what is the capital of France"
    assert (rows[3]["train_question"], rows[3]["similarity"]) == (None, None)
    assert near_questions(TRAIN, test, 0.9).column("overlap").to_pylist()[1] == "answer"


def test_answers_are_compared_by_their_script() -> None:
    """TriviaQA's makes a space of the underscore; patterns are compared as they stand."""
    for dataset, one, other, found in [
        ("triviaqa", "New_York", "new york", "question"),
        ("nq", "New_York", "new york", "none"),
        ("curatedtrec", "Rome", "rome", "none"),
        ("curatedtrec", "R(ome)?", "R(ome)?", "question"),
        ("nq", "the", "a", "none"),
    ]:
        train, test = table("train", ("q", [one]), dataset=dataset), table("test", ("q", [other]), dataset=dataset)
        assert near_questions(train, test, 0.5).column("overlap").to_pylist() == [found], (dataset, one)


WORDS = st.lists(st.sampled_from(["who", "is", "red", "king"]), min_size=1, max_size=3).map(" ".join)
ROWS = st.lists(st.tuples(WORDS, st.lists(st.sampled_from(["x", "y", "z"]), min_size=1, max_size=2)), max_size=5)


@given(ROWS, ROWS, st.sampled_from([0.3, 0.5, 1.0]))
def test_every_pair_compared_gives_the_same(train, test, threshold) -> None:
    def expected(question: str, answers: list[str]) -> str:
        shared = [set(other.split()) for other, its in train if set(its) & set(answers)]
        words = set(question.split())
        best = max((len(words & other) / len(words | other) for other in shared), default=None)
        return "none" if best is None else "question" if best >= threshold else "answer"

    found = near_questions(table("train", *train), table("test", *test), threshold).column("overlap").to_pylist()
    assert found == [expected(*row) for row in test]
