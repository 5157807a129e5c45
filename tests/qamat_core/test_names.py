"""Names are told by their capitals."""

import pytest

from qamat_core.names import names_in


@pytest.mark.parametrize(
    ("question", "names"),
    [
        ("Were Scott Derrickson and Ed Wood of the same nationality?", ["scott derrickson", "ed wood"]),
        ("Which is older, the University of Kansas or MIT?", ["university of kansas", "mit"]),
        ("Who was born first, José or José?", ["jose\u0301"]),
        ("who is older?", []),
        ("Who?", []),
        ("Is The Hague in 1900 or Rome bigger?", ["hague in 1900", "rome"]),
    ],
)
def test_names_of_a_question(question: str, names: list[str]):
    assert names_in(question) == names
