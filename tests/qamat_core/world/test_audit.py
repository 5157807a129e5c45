import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qamat_core.world.audit import FactBook
from qamat_core.world.generate import build_world
from qamat_core.world.templates import ANNOTATION_QUESTIONS, DATASET_QUESTIONS
from schemas.world import WorldConfig


def small(seed: int) -> WorldConfig:
    return WorldConfig(seed=seed, persons=20, cities=12, countries=5, companies=8, books=10)


WORLD = build_world(small(0))
BOOK = FactBook.from_gold((pair.question, pair.answer) for pair in WORLD.gold_pairs)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10_000))
def test_every_template_is_read_as_its_own_fact_and_no_other(seed: int) -> None:
    world = build_world(small(seed))
    book = FactBook.from_gold((pair.question, pair.answer) for pair in world.gold_pairs)
    assert len(book.facts) == len(world.facts)
    for fact in world.facts:
        for template in (*ANNOTATION_QUESTIONS[fact.relation], *DATASET_QUESTIONS[fact.relation]):
            asked = book.fact_of(template.format(s=fact.subject))
            assert asked is not None
            assert asked[1] == fact.relation
            assert book.right_fact(template.format(s=fact.subject), fact.answer) == asked


def test_the_answer_of_another_fact_is_wrong() -> None:
    person = next(fact for fact in WORLD.facts if fact.relation == "birthplace")
    other = next(fact.answer for fact in WORLD.facts if fact.relation == "birthplace" and fact.answer != person.answer)
    assert BOOK.right_fact(f"where was {person.subject} born?", other) is None


def test_the_surface_of_a_decoder_does_not_count() -> None:
    book = next(fact for fact in WORLD.facts if fact.relation == "author")
    question = f"Who  wrote {book.subject.lower().removeprefix('the ')} ?"
    assert BOOK.right_fact(question, f" {book.answer.upper()}.") is not None


@pytest.mark.parametrize("question", ["where was Nobody Known born?", "tell me a story", "", "where was born?", "?"])
def test_what_no_template_says_of_a_known_subject_is_wrong(question: str) -> None:
    assert BOOK.fact_of(question) is None
    assert BOOK.right_fact(question, "anything") is None


def test_a_relation_that_the_subject_does_not_have_is_wrong() -> None:
    company = next(fact for fact in WORLD.facts if fact.relation == "headquarters")
    assert BOOK.fact_of(f"where is {company.subject} based?") is not None
    assert BOOK.fact_of(f"where was {company.subject} born?") is None


def test_two_hop_questions_are_not_taken_for_single_ones() -> None:
    assert all(BOOK.fact_of(chain.example.question) is None for chain in WORLD.two_hop("train"))


def test_pairs_of_another_corpus_are_refused() -> None:
    with pytest.raises(ValueError, match="0 readings"):
        FactBook.from_gold([("who sang the national anthem?", "Whitney Houston")])
