"""Orders that do not fit are refused before anything starts."""

import re

import pytest
from pydantic import ValidationError

from schemas.artifacts import NAME
from schemas.order_forms import QuestionsFile
from schemas.orders import BuildIndex, Evaluate, RegenerateCorpus, TrainQamat
from schemas.study_orders import HumanTrack, Reproduce

ASKED = {
    "learn": [{"path": "q.jsonl", "dataset": "nq"}],
    "ask": [{"path": "q.jsonl", "dataset": "nq", "split": "dev"}],
}


def test_a_start_belongs_to_the_stage_that_starts():
    assert TrainQamat(start="t5", stages=("inbatch", "global")).start == "t5"
    with pytest.raises(ValidationError, match="start is where the stage inbatch starts"):
        TrainQamat(start="t5", stages=("global",))


@pytest.mark.parametrize("stages", [("global", "finetune"), ("inbatch", "finetune")])
def test_a_stage_to_start_at_has_stages_before_it(stages):
    with pytest.raises(ValidationError, match="start_at global says that stages before it are found"):
        TrainQamat(start_at="global", stages=stages)
    assert TrainQamat(start_at="finetune", stages=stages).start_at == "finetune"


@pytest.mark.parametrize("form", [RegenerateCorpus, TrainQamat, BuildIndex, Evaluate, Reproduce, HumanTrack])
def test_a_form_begins_with_what_an_order_is_about(form):
    fields = list(form.model_json_schema()["properties"])
    assert sorted(fields) == sorted(form.model_fields)
    assert fields[-2:] == ["home", "hours"]
    if "preset" in fields:
        assert fields[0] == "preset"


@pytest.mark.parametrize(
    ("order", "title"),
    [
        (RegenerateCorpus(preset="toy", name="town"), "town toy"),
        (TrainQamat(preset="toy", name="m", seed=2, dry_run=True), "m toy s2 (dry run)"),
        (TrainQamat(reuse_run="train-qamat m toy s2"), "as train-qamat m toy s2"),
        (BuildIndex(checkpoint="m-finetune", memory="paq"), "paq for m-finetune"),
        (Evaluate(checkpoint="m", file=QuestionsFile(path="q.jsonl", dataset="nq", split="dev")), "m on nq dev"),
        (Reproduce(preset="smoke", seeds=3), "world smoke, 3 seeds"),
    ],
)
def test_an_order_says_what_it_is_about(order, title):
    assert order.title == title


@pytest.mark.parametrize(
    ("form", "endings"),
    [(TrainQamat, ["-finetune", "-multihop"]), (RegenerateCorpus, ["-two-hop-train-gold", "-annotated-passages"])],
)
def test_names_that_are_made_of_a_longest_name_are_names(form, endings: list[str]):
    longest = "a" * max(letters for letters in range(1, 65) if _takes(form, "a" * letters))
    for ending in endings:
        assert re.fullmatch(NAME, longest + ending)


def _takes(form, name: str) -> bool:
    try:
        form(name=name)
    except ValidationError:
        return False
    return True


@pytest.mark.parametrize("form", [Reproduce, HumanTrack])
def test_a_report_is_not_copied_into_the_home(form):
    order = {"home": "h", "out": "h/report/world/0"} | (ASKED if form is HumanTrack else {})
    with pytest.raises(ValidationError, match="out: h/report/world/0 lies in a home"):
        form.model_validate(order)


def test_a_data_set_whose_names_would_be_too_long_is_refused_before_anything_is_trained():
    long = {"path": "q.jsonl", "dataset": "natural-questions-open", "split": "dev"}
    with pytest.raises(ValidationError, match="natural-questions-open dev makes names that are too long"):
        HumanTrack.model_validate({**ASKED, "ask": [long], "name": "thirteen-long"})
    assert HumanTrack.model_validate({**ASKED, "ask": [long | {"dataset": "nq"}], "name": "thirteen-long"})
