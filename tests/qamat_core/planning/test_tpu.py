"""Plans for TPUs that are not there; the makers' compiler, libtpu, comes with `make setup-tpu`."""

from typing import Any

import pytest

from qamat_core.planning.chips import GIB, devices_of
from qamat_core.planning.plan import Planned, plan
from qamat_core.planning.programs import batches_of
from schemas.preset_models import Preset
from schemas.presets import preset
from tests.qamat_core.planning.tiny import plan_only, tiny

pytest.importorskip("libtpu", reason="no libtpu here: make setup-tpu")


def planned(numbers: Preset, entries: int, topology: str) -> dict[str, Planned]:
    devices = devices_of(topology, None, batches_of(numbers).values())
    return {one.costs.stage: one for one in plan(numbers, entries, devices)}


def test_a_small_preset_on_eight_cores(monkeypatch: pytest.MonkeyPatch):
    plan_only(monkeypatch, "encoding", "global", "generation")
    found = planned(tiny(), 8000, "v3:2x2")
    assert list(found) == ["encoding", "global", "generation"]
    assert all(one.fits and one.costs.activations > 0 for one in found.values())
    assert found["global"].costs.kinds["memory keys"] == 1000 * 32 * 2
    assert found["global"].costs.collectives > 0
    assert found["generation"].costs.collectives == 0


def with_index(**index: Any) -> Preset:
    numbers = preset("base").model_dump()
    numbers["training"]["index"] |= index
    return Preset.model_validate(numbers)


@pytest.mark.slow
def test_the_paper_scale_fits_32_cores(monkeypatch: pytest.MonkeyPatch):
    plan_only(monkeypatch, "encoding", "global")
    found = planned(preset("base"), 60_000_000, "v3:4x4")
    costs = found["global"].costs
    assert all(one.fits for one in found.values())
    assert costs.kinds["memory keys"] + costs.kinds["memory values"] == pytest.approx(5.36 * GIB, rel=0.01)
    assert 7 * GIB < costs.total < 16 * GIB


@pytest.mark.slow
def test_what_does_not_fit_32_cores_says_what_makes_it_fit(monkeypatch: pytest.MonkeyPatch):
    plan_only(monkeypatch, "global")
    (found,) = planned(with_index(dtype="float32"), 100_000_000, "v3:4x4").values()
    assert not found.fits
    assert found.remedy == "it fits with index.dtype bfloat16"
