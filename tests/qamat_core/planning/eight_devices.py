"""A plan for eight virtual devices, compared with arithmetic by hand; run as a program by the tests."""

import sys

import jax

from qamat_core.planning.chips import devices_of
from qamat_core.planning.plan import plan
from qamat_core.planning.programs import STAGES, batches_of
from schemas.training import MeshShape
from tests.qamat_core.planning.tiny import tiny

ENTRIES = 1000


def main() -> None:
    """Plan, then check bytes by hand."""
    assert jax.device_count() == 8
    devices = devices_of("cpu", MeshShape(model=2), batches_of(tiny()).values())
    stages = {one.costs.stage: one for one in plan(tiny(), ENTRIES, devices)}
    assert tuple(stages) == STAGES
    costs = stages["global"].costs
    assert costs.kinds["memory keys"] == ENTRIES / 8 * 32 * 2
    assert costs.kinds["value tokens"] == ENTRIES / 8 * 40 * 2
    wide = 256 * 32 * 2 + 3 * 4 * 32 * 32 + 2 * 3 * 32 * 64 + 2 * 4 * 32  # embedding, logits; heads; mlp; biases
    narrow = (2 + 1 + 3 + 1) * 32
    assert costs.kinds["parameters"] == 4 * (wide / 2 + narrow), costs.kinds
    assert 0 < costs.total <= stages["global"].margin + costs.total
    assert costs.collectives > 4 * narrow  # gradients are summed over the data axis
    assert all(one.fits and one.costs.flops > 0 for one in stages.values())
    assert stages["multi-hop"].costs.flops > stages["fine-tune"].costs.flops


if __name__ == "__main__":
    main()
    sys.stdout.write("plan agrees\n")
