"""Rows of the table "integration" differ in what is read after stage one alone."""

from flows.integration import READINGS
from schemas.presets import preset


def test_the_preset_s_own_model_is_one_of_the_rows():
    for name in ("toy", "mini", "base"):
        stages = preset(name).training
        own = [
            reading.trained
            for reading in READINGS
            if (changed := stages.everywhere("integration", reading.trained)).global_ == stages.global_
            and changed.finetune == stages.finetune
        ]
        assert own
        assert set(own) <= {"discrete", "both"}


def test_each_part_answers_with_what_it_was_trained_for():
    assert [reading.row for reading in READINGS if reading.trained == reading.read] == [
        *("Neural part alone", "Discrete part alone", "Both parts"),
    ]
    assert {reading.trained for reading in READINGS} == {"neural", "discrete", "both"}
