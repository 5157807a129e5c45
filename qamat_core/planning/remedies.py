"""What can be changed where a stage does not fit its devices."""

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from qamat_core.planning.chips import Devices
from schemas.preset_models import Preset


class Remedy(NamedTuple):
    """Something to try."""

    words: str
    preset: Preset
    devices: Devices


def remedies(preset: Preset, devices: Devices, stage: str) -> Iterator[Remedy]:
    """Yield what a stage can have, cheapest first: each setting alone, all of them, then layers divided further."""
    together, words = preset, list[str]()
    for name, change in _CHANGES.items():
        if (changed := _changed(preset, change, stage)) is None:
            continue
        yield Remedy(name, changed, devices)
        together = _changed(together, change, stage) or together
        words.append(name)
    if len(words) > 1:
        yield Remedy(" and ".join(words), together, devices)
    if stage not in _DECODED and (halved := devices.halved()):
        yield Remedy(f"--mesh {halved.shape}", preset, halved)


def _changed(preset: Preset, change: "Change", stage: str) -> Preset | None:
    numbers = preset.model_dump()
    return Preset.model_validate(numbers) if change(numbers, stage) else None


Change = Callable[[dict[str, Any], str], bool]
"""Changes the numbers of a preset for a stage; says whether there was something to change."""

_FIELDS: Final = {"in-batch": "inbatch", "global": "global_", "fine-tune": "finetune", "multi-hop": "multihop"}
OVER_MEMORY: Final = ("global", "fine-tune", "multi-hop")
_DECODED: Final = {"extraction": "answers", "generation": "questions", "filter": "filter"}


def _remat(preset: dict[str, Any], stage: str) -> bool:
    if stage not in _FIELDS or preset["training"][_FIELDS[stage]]["model"]["t5"]["remat"]:
        return False
    preset["training"][_FIELDS[stage]]["model"]["t5"]["remat"] = True
    return True


def _narrow_keys(preset: dict[str, Any], stage: str) -> bool:
    if stage not in OVER_MEMORY or preset["training"]["index"]["dtype"] == "bfloat16":
        return False
    preset["training"]["index"]["dtype"] = "bfloat16"
    return True


def _accumulate(preset: dict[str, Any], stage: str) -> bool:
    """In-batch training is left out: its negatives are those of a micro-batch."""
    if stage not in OVER_MEMORY:
        return False
    preset["training"][_FIELDS[stage]]["training"]["accumulate"] *= 2
    return True


def _fewer_rows(preset: dict[str, Any], stage: str) -> bool:
    if stage == "encoding":
        held, name = preset["training"]["index"], "batch_size"
    elif stage in _DECODED:
        held = preset["corpus"][_DECODED[stage]]["shape"]
        name = "slots" if held["slots"] else "rows"
    else:
        return False
    if held[name] < 4:
        return False
    held[name] //= 4
    return True


_CHANGES: Final[Mapping[str, Change]] = MappingProxyType(
    {
        "model.t5.remat true": _remat,
        "index.dtype bfloat16": _narrow_keys,
        "training.accumulate doubled": _accumulate,
        "a quarter of the rows at a time": _fewer_rows,
    }
)
