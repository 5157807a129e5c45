"""Prompts hold what a task needs; the mark can be taken out again."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from qamat_core.generation.formats import (
    comprehension_prompt,
    extraction_prompt,
    extraction_prompts,
    generation_prompt,
    sentences,
)
from schemas.generation import MARK, PromptFormat
from schemas.prompts import PROMPTS, PromptsName

OURS = PromptFormat()
WORDS = st.lists(st.text(alphabet="abcdefgh.,", min_size=1, max_size=6), min_size=1, max_size=12)


@given(WORDS, st.data())
def test_taking_the_marks_out_restores_the_passage(words: list[str], data: st.DataObject):
    first = data.draw(st.integers(0, len(words) - 1))
    last = data.draw(st.integers(first, len(words) - 1))
    start = sum(len(word) + 1 for word in words[:first])
    answer = " ".join(words[first : last + 1])
    prompt = generation_prompt(OURS, "", " ".join(words), start, start + len(answer))
    task, *rest = prompt.split(" ")
    assert task == "<extra_id_96>"
    assert [word for word in rest if word != MARK] == words
    assert " ".join(rest).split(MARK)[1].strip() == answer


def test_the_tasks_are_told_apart_and_hold_their_texts():
    passage = "Bolgrad lies\tin Toronia."
    asked = [
        extraction_prompt(OURS, "Bolgrad", passage),
        generation_prompt(OURS, "Bolgrad", passage, 16, 23),
        comprehension_prompt(OURS, "Bolgrad", passage, "where is Bolgrad?"),
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


@pytest.mark.parametrize(
    ("name", "extraction", "generation", "comprehension"),
    [
        (
            "plain",
            ["extract answers: Holm is old. Dral is new."],
            "generate question: answer: old context: Holm is old. Dral is new.",
            "question: how is Holm? context: Holm is old. Dral is new.",
        ),
        (
            "highlight",
            [
                "extract answers: <hl> Holm is old. <hl> Dral is new.",
                "extract answers: Holm is old. <hl> Dral is new. <hl>",
            ],
            "generate question: Holm is <hl> old <hl> . Dral is new.",
            "question: how is Holm? context: Holm is old. Dral is new.",
        ),
        (
            "paq",
            ["extract answers: Holm is old. Dral is new."],
            "answer: old | title: Towns | context: Holm is ** old **. Dral is new.",
            "question: how is Holm? title: Towns context: Holm is old. Dral is new.",
        ),
    ],
)
def test_presets_are_what_public_checkpoints_read(
    name: PromptsName, extraction: list[str], generation: str, comprehension: str
):
    prompts, passage = PROMPTS[name], "Holm is old. Dral is new."
    assert extraction_prompts(prompts, "Towns", passage) == extraction
    assert generation_prompt(prompts, "Towns", passage, 8, 11) == generation
    assert comprehension_prompt(prompts, "Towns", passage, "how is Holm?") == comprehension


TEXT = st.text(alphabet="ab {}{0}%!<>.\\$", max_size=20)


@given(st.sampled_from(sorted(PROMPTS)), TEXT, TEXT, TEXT.filter(str.strip), TEXT)
def test_any_text_stands_in_a_prompt_as_it_is(name: PromptsName, title: str, before: str, answer: str, after: str):
    prompts, passage = PROMPTS[name], f"{before} {answer} {after}"
    words = [word for text in (before, answer, after) for word in text.split()]
    prompt = generation_prompt(prompts, title, passage, len(before) + 1, len(before) + 1 + len(answer))
    mark = {"highlight": "<hl>", "sentinel": MARK}.get(name)
    if mark is not None:
        task, marked, rest = prompt.split(mark)
        assert marked.split() == answer.split()
        assert task.split()[-len(before.split()) or len(task.split()) :] == before.split()
        assert rest.split() == after.split()
    for whole in (
        prompt.replace("** ", "").replace(" **", "") if name == "paq" else prompt,
        *extraction_prompts(prompts, title, passage),
    ):
        unmarked = [word for word in whole.split() if word != mark]
        assert unmarked[len(unmarked) - len(words) :] == words


@given(st.text(alphabet="aA1.?! \n\"'", max_size=40))
def test_sentences_hold_the_whole_passage(passage: str):
    spans = sentences(passage)
    assert all(passage[end:following].isspace() for (_, end), (following, _) in pairwise(spans))
    assert "".join("".join(passage[start:end].split()) for start, end in spans) == "".join(passage.split())
    assert all(passage[start:end] == passage[start:end].strip() != "" for start, end in spans)


def test_sentences_end_neither_at_titles_nor_at_initials_nor_inside_numbers():
    passage = 'Dr. J. Holm paid 3.5 million. "Why?" she asked. In 1990 it fell!  (It rose.) St. Ives is near.'
    assert [passage[start:end] for start, end in sentences(passage)] == [
        "Dr. J. Holm paid 3.5 million.",
        '"Why?" she asked.',
        "In 1990 it fell!",
        "(It rose.)",
        "St. Ives is near.",
    ]


@pytest.mark.parametrize("template", ["{before} {after}", "{sentence}", "{sentence} {passage}"])
def test_a_marked_sentence_needs_its_surroundings(template: str):
    with pytest.raises(ValidationError):
        PromptFormat(extraction=template)


@pytest.mark.parametrize("template", ["{passage", "no fields", "{passage} {answer}", "{0}"])
def test_a_template_with_other_fields_is_refused(template: str):
    with pytest.raises(ValidationError):
        PromptFormat(extraction=template)
