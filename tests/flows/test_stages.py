"""Every step has its stage: else ``start_at`` would let it be made before its line."""

from typing import get_args

from flows import steps
from flows.stages import CORPUS, STUDY
from schemas.orders import CorpusStage
from schemas.study_orders import StudyStage

ELSEWHERE = {"build bundle", "judge bundle"}
"""Steps of promotion, which has no stages."""
NAMES = {one.name for one in vars(steps).values() if isinstance(one, steps.Step)}


def test_every_step_belongs_to_one_stage_of_a_study():
    placed = [name for names in STUDY.values() for name in names]
    assert sorted(placed) == sorted(NAMES - ELSEWHERE)
    assert list(STUDY) == ["corpus", *get_args(StudyStage)]


def test_every_stage_of_a_corpus_has_steps():
    assert set(CORPUS) <= NAMES
    assert tuple(dict.fromkeys(CORPUS.values())) == get_args(CorpusStage)
    assert set(CORPUS) <= STUDY["corpus"]
