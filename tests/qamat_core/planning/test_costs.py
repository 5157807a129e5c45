"""Traffic is read from a program's text; a device's bytes are those of its part."""

import numpy as np

from qamat_core.planning.costs import bytes_on_a_device, collective_bytes
from tests.qamat_core.training.devices import on_devices

PROGRAM = """
  %all-reduce.1 = f32[8,16]{1,0} all-reduce(f32[8,16]{1,0} %x), replica_groups={{0,1}}
  %ag = (bf16[4,2]{1,0}, bf16[8,2]{1,0}) all-gather-start(bf16[4,2]{1,0} %y), dimensions={0}
  %done = bf16[8,2]{1,0} all-gather-done((bf16[4,2]{1,0}, bf16[8,2]{1,0}) %ag)
  %cp = s32[] collective-permute(s32[] %z), source_target_pairs={{0,1}}
  %sum = f32[8,16]{1,0} add(f32[8,16]{1,0} %all-reduce.1, f32[8,16]{1,0} %w)
"""


def test_the_results_of_collectives_are_counted_once():
    assert collective_bytes(PROGRAM) == 8 * 16 * 4 + (8 + 16) * 2 + 4


def test_every_stage_on_eight_devices():
    assert "plan agrees" in on_devices(8, "tests.qamat_core.planning.eight_devices")


def test_a_scalar_has_its_bytes():
    assert bytes_on_a_device(np.float32(1)) == 4
