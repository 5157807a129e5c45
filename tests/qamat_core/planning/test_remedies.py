"""What is tried for a stage that does not fit: the cheapest first, all settings together, then another mesh."""

import jax
import numpy as np
import pytest
from jax.sharding import Mesh

from qamat_core.planning.chips import CHIPS, Devices
from qamat_core.planning.remedies import Remedy, remedies
from qamat_core.training.partitioning import AXES
from tests.qamat_core.planning.tiny import tiny


def tried(stage: str, data: int = 4, **index: object) -> dict[str, Remedy]:
    mesh = Mesh(np.array([jax.devices()[0]] * data).reshape(data, 1), AXES)
    return {one.words: one for one in remedies(tiny(**index), Devices(mesh, CHIPS["cpu"]), stage)}


def test_a_stage_over_the_memory_has_every_setting_of_training():
    found = tried("global", dtype="float32")
    together = "model.t5.remat true and index.dtype bfloat16 and training.accumulate doubled"
    assert list(found) == [*together.split(" and "), together, "--mesh 2x2"]
    training = found[together].preset.training
    assert training.index.dtype == "bfloat16"
    assert training.global_.model.t5.remat
    assert training.global_.training.accumulate == 2
    assert training.finetune == tiny().training.finetune
    assert found["--mesh 2x2"].devices.mesh.devices.shape == (2, 2)


def test_what_is_set_already_is_not_tried_again():
    assert "index.dtype bfloat16" not in tried("global")


def test_in_batch_negatives_leave_no_micro_batches():
    assert list(tried("in-batch")) == ["model.t5.remat true", "--mesh 2x2"]


@pytest.mark.parametrize("stage", ["extraction", "generation", "filter"])
def test_decoding_has_fewer_rows_at_a_time(stage: str):
    (found,) = tried(stage).values()
    corpus = found.preset.corpus
    assert found.words == "a quarter of the rows at a time"
    assert (corpus.answers.shape.rows, corpus.questions.shape.slots, corpus.filter.shape.slots) == (
        2 if stage == "extraction" else 8,
        1 if stage == "generation" else 4,
        1 if stage == "filter" else 4,
    )


def test_an_odd_number_of_parts_is_not_halved():
    assert list(tried("in-batch", data=1)) == ["model.t5.remat true"]
