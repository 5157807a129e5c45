"""Every answer gets one question or a reject, however the job is run."""

from qamat_core.generation.generator import Candidate
from schemas.generation import GenerateQuestionsConfig, PromptFormat
from schemas.tables import stable_id
from tasks import generate_questions
from tasks.model_stage import Source
from tests.tasks.conftest import SHAPE, Generated


def test_every_answer_has_a_question_or_a_reject(generated: Generated):
    store = generated.store
    questions = store.open_table(generated.questions).to_pylist()
    rejects = store.open_table(store.newest("rejects", "tiny-questions")).to_pylist()
    asked = [row["answer_id"] for row in questions] + [row["source"] for row in rejects]
    assert questions
    assert sorted(asked) == sorted(store.open_table(generated.answers)["answer_id"].to_pylist())
    row = store.row(generated.questions)
    assert (row.read, row.kept, row.rejected) == (len(asked), len(questions), len(rejects))


def test_ids_name_the_answer_and_the_question(generated: Generated):
    for row in generated.store.open_table(generated.questions).to_pylist():
        assert row["qa_id"] == stable_id(row["answer_id"], row["question"])
        assert row["generator"] == generated.generator.content[:12]


def test_workers_and_replayed_bundles_change_nothing(generated: Generated):
    faulty = generated.resources.model_copy(update={"workers": 2, "bundle_repeat": 2})
    inputs = generate_questions.QuestionInputs(generated.world.passages, generated.answers, generated.generator)
    config = GenerateQuestionsConfig(shape=SHAPE)
    again = generate_questions.run(config, inputs, name="tiny-again", resources=faulty)
    assert again.content == generated.questions.content


def test_texts_that_are_no_questions_are_rejected_with_their_answer():
    answers = [{"answer_id": f"a{number}", "passage_id": "p"} for number in range(3)]
    found = [
        Candidate("who?", -1.0, -0.5, ended=True),
        Candidate("who", -1.0, -0.5, ended=False),
        Candidate("", -1.0, -1.0, ended=True),
    ]
    tables = generate_questions.sort_out(answers, [[[one]] for one in found], {}, Source("g", PromptFormat()))
    assert generate_questions.STAGE.count(tables) == (3, 1, 2)
    assert tables["questions"]["answer_id"].to_pylist() == ["a0"]
    assert tables["rejects"].to_pylist() == [
        {"source": "a1", "record": "who", "reason": "too long"},
        {"source": "a2", "record": "", "reason": "empty"},
    ]
