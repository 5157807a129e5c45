"""Orders that do not fit are refused before anything starts."""

import pytest
from pydantic import ValidationError

from schemas.orders import TrainQamat


def test_a_start_belongs_to_the_stage_that_starts():
    assert TrainQamat(start="t5", stages=("inbatch", "global")).start == "t5"
    with pytest.raises(ValidationError, match="start is where the stage inbatch starts"):
        TrainQamat(start="t5", stages=("global",))
