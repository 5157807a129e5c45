"""A plan for eight virtual devices, compared with arithmetic by hand; run as a program by the tests."""

import sys

import jax

from qamat_core.planning.chips import devices_of
from qamat_core.planning.plan import plan
from schemas.preset_models import Preset
from schemas.presets import preset
from schemas.training import MeshShape

ENTRIES = 1000


def tiny() -> Preset:
    """Return ``base`` with a T5 that is compiled in seconds."""
    numbers = preset("base").model_dump()
    t5 = {"d_model": 32, "num_heads": 4, "head_dim": 8, "d_ff": 64, "num_encoder_layers": 1, "num_decoder_layers": 1}
    for stage in ("init", "inbatch", "global_", "finetune", "multihop"):
        numbers["training"][stage]["model"]["t5"] |= t5 | {"vocab_size": 256}
    numbers["corpus"]["generator"]["model"] |= t5 | {"vocab_size": 256}
    numbers["corpus"]["questions"]["shape"]["rows"] = 8
    numbers["training"]["inbatch"]["training"]["batch_size"] = 16
    return Preset.model_validate(numbers)


def main() -> None:
    """Plan, then check bytes by hand."""
    assert jax.device_count() == 8
    stages = {one.costs.stage: one for one in plan(tiny(), ENTRIES, devices_of("cpu", MeshShape(model=2)))}
    assert list(stages) == ["in-batch", "encode memory", "global", "fine-tune", "multi-hop", "generate questions"]
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
