"""What a compiler says of a program that does not fit is read."""

import pytest

from qamat_core.planning.chips import GIB
from qamat_core.planning.plan import wanted


@pytest.mark.parametrize(
    ("refusal", "gibibytes"),
    [
        (
            "RESOURCE_EXHAUSTED: Ran out of memory on HBM, the total memory required for HLO temporaries (17.78G) "
            "exceeds available HBM (15.48G).",
            17.78,
        ),
        ("RESOURCE_EXHAUSTED: Ran out of memory in memory space hbm. Used 512.0M of 256.0M hbm.", 0.5),
        ("RESOURCE_EXHAUSTED: out of memory", 0),
    ],
)
def test_a_refusal_says_how_much_is_needed(refusal: str, gibibytes: float):
    assert wanted(refusal) == pytest.approx(gibibytes * GIB)
