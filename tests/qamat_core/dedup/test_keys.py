"""The vectorised normal form is that of ``normalize_question``, on any text."""

import polars as pl
from hypothesis import example, given
from hypothesis import strategies as st

from qamat_core.dedup.keys import question_keys, stable_hashes
from qamat_core.text import normalize_question


@given(st.lists(st.text(max_size=30), max_size=8))
@example(["\u0130s ΑΣ?", "Caf\u00e9  .!", "\x1c a\u2003b\x0b", "who?", " ?"])
def test_keys_are_normalised_questions(questions: list[str]):
    frame = pl.DataFrame({"question": questions}, schema={"question": pl.String})
    assert question_keys(frame).to_list() == [normalize_question(question) for question in questions]


def test_hashes_are_the_same_on_every_machine():
    hashes = stable_hashes(pl.Series(["", "who", "who was born in Paris", "wer wäre"]))
    assert len(set(hashes.tolist())) == 4
    assert hashes.tolist() == stable_hashes(pl.Series(["", "who", "who was born in Paris", "wer wäre"])).tolist()
