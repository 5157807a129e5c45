"""Every question gets a verdict, kept or not, however the job is run."""

import pyarrow as pa
import pytest

from qamat_core.generation.generator import Candidate
from schemas.artifacts import ArtifactRef
from schemas.generation import FilterQuestionsConfig, PromptFormat
from tasks import filter_questions
from tasks.model_stage import Source
from tests.tasks.conftest import SHAPE, Generated

CONFIG = FilterQuestionsConfig(filter="read-it", shape=SHAPE)


@pytest.fixture(scope="module")
def inputs(generated: Generated) -> filter_questions.FilterInputs:
    passages = generated.world.passages
    return filter_questions.FilterInputs(passages, generated.answers, generated.questions, generated.generator)


@pytest.fixture(scope="module")
def verdicts(generated: Generated, inputs: filter_questions.FilterInputs) -> ArtifactRef:
    return filter_questions.run(CONFIG, inputs, name="tiny", resources=generated.resources)


def test_every_question_has_a_verdict(generated: Generated, verdicts: ArtifactRef):
    store = generated.store
    rows = store.open_table(verdicts).to_pylist()
    assert [row["qa_id"] for row in rows] == store.open_table(generated.questions)["qa_id"].to_pylist()
    assert {row["filter"] for row in rows} == {"read-it"}
    counts = store.row(verdicts)
    kept = sum(row["kept"] for row in rows)
    assert (counts.read, counts.kept, counts.rejected) == (len(rows), kept, len(rows) - kept)


def test_kept_is_a_match(generated: Generated, verdicts: ArtifactRef):
    for row in generated.store.open_table(verdicts).to_pylist():
        assert row["kept"] == (row["reason"] == "match")
        assert row["f1"] == 1.0 or not row["kept"]


def test_workers_and_replayed_bundles_change_nothing(
    generated: Generated, inputs: filter_questions.FilterInputs, verdicts: ArtifactRef
):
    faulty = generated.resources.model_copy(update={"workers": 2, "bundle_repeat": 2})
    again = filter_questions.run(CONFIG, inputs, name="tiny-again", resources=faulty)
    assert again.content == verdicts.content


def test_verdicts_come_of_the_read_answer():
    questions = [{"qa_id": f"q{number}", "answer_id": "a"} for number in range(3)]
    answers = pa.table({"answer_id": ["a"], "text": ["the Mol"]})
    found = [[[Candidate(text, -1.0, -1.0, ended=True)]] for text in ("mol", "Dral", "")]
    tables = filter_questions.sort_out(questions, found, {"answers": answers}, Source("g", PromptFormat(), "f"))
    assert filter_questions.STAGE.count(tables) == (3, 1, 2)
    assert tables["verdicts"]["reason"].to_pylist() == ["match", "mismatch", "empty"]
