"""Devices and micro-batches change how a step is computed, never what."""

import pytest

from tests.qamat_core.training.devices import on_devices


@pytest.mark.parametrize("part", ["stages", "accumulation"])
def test_eight_devices_compute_what_one_computes(part: str):
    assert f"{part} agree" in on_devices(8, "tests.qamat_core.qamat.eight_devices", part)
