"""Masking can be undone, and refuses spans that are not there."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qamat_core.masking import Span, mask_spans, unmask

TEXTS = st.text(st.characters(exclude_characters="<"), min_size=1, max_size=40)


@st.composite
def masked(draw: st.DrawFn) -> tuple[str, list[Span]]:
    text = draw(TEXTS)
    cuts = sorted(draw(st.sets(st.integers(0, len(text)), max_size=6)))
    bounds = list(zip(cuts[::2], cuts[1::2], strict=False))
    return text, [Span(start, text[start:end]) for start, end in bounds]


@given(masked())
def test_unmasking_restores_the_passage(case: tuple[str, list[Span]]):
    text, spans = case
    hidden = mask_spans(text, spans)
    assert hidden.count("<extra_id_") == len(spans)
    assert unmask(hidden, [span.text for span in spans]) == text


def test_masks_are_numbered_by_position():
    assert (
        mask_spans("Bo was born in 1900.", [Span(0, "Bo"), Span(15, "1900")])
        == "<extra_id_0> was born in <extra_id_1>."
    )


@pytest.mark.parametrize(
    "spans", [[Span(1, "Bo")], [Span(3, "was"), Span(0, "Bo")], [Span(0, "Bo"), Span(1, "o")], [Span(0, "")]]
)
def test_spans_that_do_not_fit_are_refused(spans: list[Span]):
    with pytest.raises(ValueError, match="does not stand"):
        mask_spans("Bo was born in 1900.", spans)


def test_a_missing_mask_is_named():
    with pytest.raises(ValueError, match="<extra_id_1> is missing"):
        unmask("<extra_id_0> only", ["a", "b"])
