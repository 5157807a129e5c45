import json
import re
import string
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qamat_core.evaluation.metrics import exact_match, f1, first_hit, recall_at
from schemas.datasets import data_set

WORDS = st.lists(
    st.sampled_from(["the", "a", "Ann", "ann", "cat,", "Cat", "é", "e\u0301", "yes", "no", "x-y", "", "."])
)
ANSWERS = WORDS.map(" ".join)


def plain_normal_form(text: str) -> str:
    """SQuAD's steps one by one, after NFD."""
    text = unicodedata.normalize("NFD", text).lower()
    text = "".join(character for character in text if character not in set(string.punctuation))
    text = re.sub(r"\b(a|an|the)\b", " ", text)
    return " ".join(text.split())


def plain_f1(prediction: str, gold: str) -> float:
    """F1 by precision and recall, each shared token crossed off once."""
    predicted, wanted = plain_normal_form(prediction).split(), plain_normal_form(gold).split()
    if not predicted or not wanted:
        return 1.0 if predicted == wanted else 0.0
    left, same = list(wanted), 0
    for token in predicted:
        if token in left:
            left.remove(token)
            same += 1
    if same == 0:
        return 0.0
    precision, recall = same / len(predicted), same / len(wanted)
    return 2 * precision * recall / (precision + recall)


@given(ANSWERS | st.text(max_size=30), st.lists(ANSWERS | st.text(max_size=30), max_size=3))
def test_scores_are_those_of_squads_script(prediction: str, answers: list[str]) -> None:
    same = [plain_normal_form(answer) == plain_normal_form(prediction) for answer in answers]
    assert exact_match(prediction, answers) == any(same)
    assert f1(prediction, answers) == pytest.approx(max((plain_f1(prediction, gold) for gold in answers), default=0.0))


@given(ANSWERS, st.lists(ANSWERS, min_size=1, max_size=3), st.randoms())
def test_order_of_answers_does_not_count_and_exact_match_gives_full_f1(prediction, answers, random) -> None:
    shuffled = random.sample(answers, len(answers))
    assert f1(prediction, answers) == f1(prediction, shuffled)
    if exact_match(prediction, answers):
        assert f1(prediction, answers) == 1.0


@pytest.mark.parametrize(
    ("prediction", "answers"),
    [
        ("The Beatles", ["beatles"]),
        ("u.s.", ["US"]),
        ("Beyonc\u00e9", ["Beyonce\u0301"]),
        ("an  apple\tpie", ["apple pie"]),
        ("14 July", ["Bastille Day", "14 july."]),
    ],
)
def test_forms_of_one_answer_match(prediction: str, answers: list[str]) -> None:
    assert exact_match(prediction, answers)


@pytest.mark.parametrize(
    ("prediction", "answers"), [("theatre", ["atre"]), ("Paris", []), ("", ["Paris"]), ("no", ["yes"])]
)
def test_other_answers_do_not(prediction: str, answers: list[str]) -> None:
    assert not exact_match(prediction, answers)


def test_hotpotqas_rule_gives_nothing_for_a_closed_answer_that_differs() -> None:
    assert f1("yes it is", ["yes"], "musique") == pytest.approx(0.5)
    assert f1("yes it is", ["yes"], "hotpotqa") == 0
    assert f1("no", ["no one"], "hotpotqa") == 0
    assert f1("Yes.", ["yes"], "hotpotqa") == 1
    assert f1("no answer here", ["no answer"], "hotpotqa") == pytest.approx(0.8), "only the one word noanswer is closed"
    assert [data_set(name).script for name in ("hotpotqa", "musique-2hop", "world")] == ["hotpotqa", "musique", "orqa"]


def test_first_hit_counts_aliases_and_ranks_from_zero() -> None:
    retrieved = [["Lyon"], ["Lutetia", "the Paris"], ["Paris"]]
    assert first_hit(retrieved, ["paris"]) == 1
    assert first_hit(retrieved, ["Rome"]) is None
    assert first_hit([], ["Rome"]) is None


@given(st.lists(st.none() | st.integers(0, 9), min_size=1))
def test_recall_grows_with_k(hits: list[int | None]) -> None:
    recalls = [recall_at(hits, k).mean() for k in range(1, 12)]
    assert recalls == sorted(recalls)
    assert recalls[-1] == sum(hit is not None for hit in hits) / len(hits)


def test_gold_answers_of_real_questions_match_themselves(shared_data: Path) -> None:
    path = shared_data / "nq_open" / "NQ-open.dev.jsonl"
    if not path.exists():
        pytest.skip(f"{path} is missing")
    lines = path.read_text().splitlines()[:1000]
    for record in map(json.loads, lines):
        assert all(exact_match(answer, record["answer"]) for answer in record["answer"])
        assert all(f1(f"the {answer}!", record["answer"]) == 1 for answer in record["answer"])
