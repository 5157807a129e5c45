"""Prompts hold what a task needs; the mark can be taken out again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from qamat_core.generation.formats import comprehension_prompt, extraction_prompt, generation_prompt
from schemas.generation import MARK, PromptFormat

PROMPTS = PromptFormat()
WORDS = st.lists(st.text(alphabet="abcdefgh.,", min_size=1, max_size=6), min_size=1, max_size=12)


@given(WORDS, st.data())
def test_taking_the_marks_out_restores_the_passage(words: list[str], data: st.DataObject):
    first = data.draw(st.integers(0, len(words) - 1))
    last = data.draw(st.integers(first, len(words) - 1))
    start = sum(len(word) + 1 for word in words[:first])
    answer = " ".join(words[first : last + 1])
    prompt = generation_prompt(PROMPTS, "", " ".join(words), start, start + len(answer))
    task, *rest = prompt.split(" ")
    assert task == "<extra_id_96>"
    assert [word for word in rest if word != MARK] == words
    assert " ".join(rest).split(MARK)[1].strip() == answer


def test_the_tasks_are_told_apart_and_hold_their_texts():
    passage = "Bolgrad lies\tin Toronia."
    asked = [
        extraction_prompt(PROMPTS, "Bolgrad", passage),
        generation_prompt(PROMPTS, "Bolgrad", passage, 16, 23),
        comprehension_prompt(PROMPTS, "Bolgrad", passage, "where is Bolgrad?"),
    ]
    assert len({prompt.split()[0] for prompt in asked}) == 3
    assert asked[0].endswith("Bolgrad lies in Toronia.")
    assert f"lies in {MARK} Toronia {MARK} ." in asked[1]
    assert "where is Bolgrad?" in asked[2]


def test_other_formats_are_data():
    prompts = PromptFormat(
        extraction="extract answer: {title} | {passage}",
        generation="generate question: {title} | {before}<hl>{answer}<hl>{after}",
        comprehension="answer question: {question} context: {passage}",
    )
    assert generation_prompt(prompts, "T", "a b c", 2, 3) == "generate question: T | a <hl>b<hl> c"
    paq = PromptFormat(generation="{answer} ** {title} ** {passage}")
    assert generation_prompt(paq, "T", "a b c", 2, 3) == "b ** T ** a b c"


@pytest.mark.parametrize("template", ["{passage", "no fields", "{passage} {answer}", "{0}"])
def test_a_template_with_other_fields_is_refused(template: str):
    with pytest.raises(ValidationError):
        PromptFormat(extraction=template)
