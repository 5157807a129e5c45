"""Questions of a data set as what their passages retrieve: the passage is the first found that holds an answer."""

from pathlib import Path

import pytest

from qamat_core.store.store import Store
from schemas.artifacts import ArtifactRef
from schemas.corpus import NegativesConfig, ReverseConfig
from schemas.resources import Resources
from tasks import mine_negatives, reverse_questions
from tests.tasks.corpus import example, passage, register

PASSAGES = (
    "The bell of Arden was cast and hung by Otto, who rang the bell.",
    "Bell of Arden: cast in 1912 by Mara Lund.",
    "Nothing here is of use to anybody.",
)
QUESTIONS = (
    example(0, "Who cast the bell of Arden?", "mara lund", "M. Lund"),
    example(1, "When was the bell of Arden cast?", "12", "1912"),
    example(2, "Where is the bell of Arden?", "Zurich"),
    example(3, "Who cast the bell of Arden?", "Mara Lund"),
)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Store, ArtifactRef, reverse_questions.ReversedRefs]:
    home = tmp_path_factory.mktemp("home")
    store = Store(home)
    passages = register(store, "passages", "m", [passage(number, text) for number, text in enumerate(PASSAGES)])
    inputs = reverse_questions.ReverseInputs(register(store, "qa_examples", "q", QUESTIONS), passages)
    refs = reverse_questions.run(ReverseConfig(), inputs, name="r", resources=Resources(home=str(home)))
    return store, passages, refs


def test_the_pair_stands_in_the_passage_that_holds_the_answer(made):
    store, _, refs = made
    pairs = {row["question"]: row for row in store.open_table(refs.qa_pairs).to_pylist()}
    who, when = pairs["Who cast the bell of Arden?"], pairs["When was the bell of Arden cast?"]
    assert (who["answer"], who["passage_id"], who["aliases"]) == ("Mara Lund", "p1", ["mara lund", "M. Lund"])
    assert PASSAGES[1].startswith("Mara Lund", who["start"])
    assert (when["answer"], when["start"]) == ("1912", PASSAGES[1].index("1912")), "12 is no word of the passage"


def test_what_gives_no_pair_is_rejected_with_its_reason(made):
    store, _, refs = made
    row = store.row(refs.qa_pairs)
    assert (row.read, row.kept, row.rejected, row.rows) == (4, 2, 2, 2)
    rejects = {row["record"]: row["reason"] for row in store.open_table(refs.rejects).to_pylist()}
    assert rejects == {"e2": reverse_questions.NO_PASSAGE, "e3": "the same pair stands earlier"}


def test_passages_retrieve_the_questions(made, tmp_path: Path):
    store, passages, refs = made
    inputs = mine_negatives.NegativesInputs(passages, refs.qa_pairs)
    mined = mine_negatives.run(NegativesConfig(), inputs, name="r", resources=Resources(home=str(store.home)))
    examples = store.open_table(mined.pretrain_examples).to_pylist()
    assert {row["passage_id"] for row in examples} == {"p1"}
    assert {target for row in examples for target in row["targets"]} == {"Mara Lund", "1912"}
