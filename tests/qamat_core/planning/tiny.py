"""A preset that is compiled in seconds, and plans of some of its stages."""

import pytest

from qamat_core.planning import plan, programs
from schemas.preset_models import Preset
from schemas.presets import preset


def tiny(**index: object) -> Preset:
    """Return ``base`` with a small T5 and small batches; ``index`` are settings of the memory's encoding."""
    numbers = preset("base").model_dump()
    t5 = {"d_model": 32, "num_heads": 4, "head_dim": 8, "d_ff": 64, "num_encoder_layers": 1, "num_decoder_layers": 1}
    for stage in ("init", "inbatch", "global_", "finetune", "multihop"):
        numbers["training"][stage]["model"]["t5"] |= t5 | {"vocab_size": 256}
    numbers["corpus"]["generator"]["model"] |= t5 | {"vocab_size": 256}
    for stage in ("answers", "questions", "filter"):
        numbers["corpus"][stage]["shape"] |= {"rows": 8, "slots": None if stage == "answers" else 4}
    numbers["training"]["inbatch"]["training"]["batch_size"] = 16
    numbers["training"]["index"] |= index
    return Preset.model_validate(numbers)


def plan_only(monkeypatch: pytest.MonkeyPatch, *stages: str) -> None:
    """Let a plan have these stages alone: each of the others takes seconds to compile."""

    def some(*given: object) -> object:
        return (one for one in programs.programs(*given) if one.stage in stages)  # pyright: ignore[reportArgumentType]

    monkeypatch.setattr(plan, "programs", some)
