"""Another rule gives other verdicts of the same answers, without a model."""

import pyarrow as pa
import pytest

from schemas.artifacts import ArtifactRef
from schemas.generation import FilterQuestionsConfig, RefilterConfig
from tasks import filter_questions, refilter_questions
from tasks.refilter_questions import RefilterInputs, rejudge
from tests.tasks.conftest import SHAPE, Generated

ANSWERS = pa.table({"answer_id": ["a0", "a1", "a2", "a3"], "text": ["the red fox"] * 4})
QUESTIONS = pa.table(
    {
        "qa_id": ["q0", "q1", "q2", "q3"],
        "answer_id": ["a0", "a1", "a2", "a3"],
        "mean_logprob": [-0.5, -0.1, -0.1, -0.1],
    }
)
VERDICTS = pa.table(
    {
        "qa_id": ["q0", "q1", "q2", "q3"],
        "predicted_answer": ["red fox", "fox", "", ""],
        "f1": [1.0, 0.6667, 0.0, 0.0],
        "kept": [True, False, False, False],
        "reason": ["match", "mismatch", "empty", "quarantined: ValueError"],
        "filter": ["f"] * 4,
    }
)


@pytest.mark.parametrize(
    ("rule", "reasons"),
    [
        ({}, ["match", "mismatch", "empty", "quarantined: ValueError"]),
        ({"min_f1": 0.6}, ["match", "match", "empty", "quarantined: ValueError"]),
        ({"min_f1": 0.7}, ["match", "F1 too low", "empty", "quarantined: ValueError"]),
        ({"min_logprob": -0.2}, ["question too improbable", "mismatch", "empty", "quarantined: ValueError"]),
    ],
)
def test_the_rule_decides(rule: dict[str, float], reasons: list[str]):
    tables = {"answers": ANSWERS, "questions": QUESTIONS, "verdicts": VERDICTS}
    counted = rejudge(RefilterConfig.model_validate(rule), tables)
    verdicts = counted.tables["verdicts"]
    assert verdicts["reason"].to_pylist() == reasons
    assert verdicts["kept"].to_pylist() == [reason == "match" for reason in reasons]
    assert (counted.read, counted.kept) == (4, reasons.count("match"))


@pytest.fixture(scope="module")
def verdicts(generated: Generated) -> ArtifactRef:
    asked = filter_questions.FilterInputs(
        generated.world.passages, generated.answers, generated.questions, generated.generator
    )
    config = FilterQuestionsConfig(shape=SHAPE)
    return filter_questions.run(config, asked, name="refilter", resources=generated.resources)


def test_the_filters_own_rule_gives_its_own_verdicts(generated: Generated, verdicts: ArtifactRef):
    inputs = RefilterInputs(generated.answers, generated.questions, verdicts)
    again = refilter_questions.run(RefilterConfig(), inputs, name="same", resources=generated.resources)
    assert again.content == verdicts.content
