"""What a generator's configuration refuses."""

import pytest
from pydantic import ValidationError

from schemas.generation import BatchShape, ExtractAnswersConfig, GenerateQuestionsConfig


@pytest.mark.parametrize("config", [ExtractAnswersConfig, GenerateQuestionsConfig])
def test_slots_are_for_greedy_decoding(config):
    shape = BatchShape(slots=8)
    assert config(beam_size=1, shape=shape).shape.slots == 8
    with pytest.raises(ValidationError, match=r"shape\.slots is 8: with a beam_size of 4, leave it out"):
        config(beam_size=4, shape=shape)
