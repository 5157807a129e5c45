"""Every ablation changes one thing in the recipe of its preset."""

from collections.abc import Iterator
from typing import Any

import pytest

from flows.ablations import VARIANTS, Variant
from schemas.presets import preset

CHANGED = {
    "As the preset": set[str](),
    "Latent term alone": {"retrieval_loss_weight"},
    "Contrastive term alone": {"latent_gradient"},
    "Lambda 0.25": {"balance"},
    "Lambda 4": {"balance"},
}


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.row)
def test_a_variant_changes_one_field_of_the_stages(variant: Variant):
    stages = preset("mini").training
    before, after = dict(_leaves(stages.model_dump())), dict(_leaves(variant.change(stages).model_dump()))
    assert before.keys() == after.keys()
    assert {path[-1] for path in before if before[path] != after[path]} == CHANGED[variant.row]


def test_rows_and_names_of_artifacts_are_each_ones_own():
    assert len({variant.row for variant in VARIANTS}) == len(VARIANTS)
    assert len({variant.label for variant in VARIANTS}) == len(VARIANTS)


def _leaves(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    if not isinstance(value, dict):
        yield path, value
        return
    for name, part in value.items():
        yield from _leaves(part, (*path, name))
