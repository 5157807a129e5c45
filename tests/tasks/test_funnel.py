"""The funnel accounts for every record of a generated corpus."""

from itertools import pairwise

import pytest

from qamat_core.funnel import funnel
from schemas.corpus import MemoryConfig
from schemas.errors import MissingArtifactError
from schemas.generation import FilterQuestionsConfig
from tasks import build_memory, filter_questions
from tests.tasks.conftest import SHAPE, Generated


def test_every_record_is_kept_or_has_a_reason(generated: Generated):
    how, world = generated.resources, generated.world
    asked = filter_questions.FilterInputs(world.passages, generated.answers, generated.questions, generated.generator)
    verdicts = filter_questions.run(FilterQuestionsConfig(shape=SHAPE), asked, name="funnel", resources=how)
    judged = build_memory.MemoryInputs(generated.answers, generated.questions, verdicts)
    memory = build_memory.run(MemoryConfig(), judged, name="funnel", resources=how)
    stages = funnel(generated.store, memory.qa_pairs)
    assert [one.stage for one in stages] == ["answer candidates", "questions", "filter", "deduplication"]
    assert [one.title for one in stages][2] == "filter (reading-comprehension)"
    for one in stages:
        assert one.read == one.kept + sum(one.reasons.values())
    assert [before.kept for before in stages[:3]] == [after.read for _, after in pairwise(stages)]
    assert stages[-1].kept == generated.store.row(memory.qa_pairs).rows


def test_a_memory_that_was_not_generated_has_none(generated: Generated):
    with pytest.raises(MissingArtifactError, match="was not generated here"):
        funnel(generated.store, generated.world.gold_pairs)
