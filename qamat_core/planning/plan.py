"""Every stage of a preset compiled for devices that need not be there: does it fit, and how long will it take."""

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

import jax

from qamat_core.planning.chips import GIB, Devices
from qamat_core.planning.costs import Costs, costs_of
from qamat_core.planning.programs import Program, programs
from schemas.preset_models import Preset

_QUICKLY: Final = {"exec_time_optimization_effort": -1.0}
"""The compiler looks for the fastest form of each operation less long: a third of the time, the same bytes."""


@dataclass(frozen=True)
class Planned:
    """A stage and its costs; ``remedy`` says what to change where it does not fit."""

    costs: Costs
    fits: bool
    margin: int
    """Bytes of a device's memory that are left."""
    compiled_in: float
    """Seconds that the compiler took."""
    remedy: str = ""


def plan(preset: Preset, entries: int, devices: Devices) -> Iterator[Planned]:
    """Plan every stage of a preset over a memory of so many entries; yields each when its program is compiled.

    Raises:
        ConfigError: the mesh divides a parameter or a batch unevenly.
    """
    with jax.set_mesh(devices.mesh):
        for program in programs(preset, entries, devices.mesh):
            planned = _compile(program, devices)
            yield planned if planned.fits else replace(planned, remedy=_remedy(preset, entries, devices, program))


def _compile(program: Program, devices: Devices) -> Planned:
    began = time.monotonic()
    try:
        compiled = program.function.lower(*program.arguments).compile(compiler_options=_QUICKLY)
    except jax.errors.JaxRuntimeError as error:
        if "RESOURCE_EXHAUSTED" not in str(error):
            raise
        costs = costs_of(program, None, devices.mesh, devices.chip)
        total = _wanted(str(error))
        margin = devices.chip.memory - total
        return Planned(replace(costs, total=total), fits=False, margin=margin, compiled_in=time.monotonic() - began)
    seconds = time.monotonic() - began
    costs = costs_of(program, compiled, devices.mesh, devices.chip)
    margin = devices.chip.memory - costs.total
    return Planned(costs, fits=margin >= 0, margin=margin, compiled_in=seconds)


def _wanted(refusal: str) -> int:
    """Return the bytes that the compiler says a program needs; 0 where it does not say."""
    found = re.search(r"[Uu]sed ([\d.]+)([GMK]) of|needs ([\d.]+)([GMK])", refusal)
    if not found:
        return 0
    amount, unit = (found[1], found[2]) if found[1] else (found[3], found[4])
    return int(float(amount) * GIB / {"G": 1, "M": 1 << 10, "K": 1 << 20}[unit])


Change = Callable[[dict[str, Any], str], bool]


def _remedy(preset: Preset, entries: int, devices: Devices, program: Program) -> str:
    """Return the first change, of those that a stage can have, with which it fits."""
    for words, change in _CHANGES.items():
        changed = preset.model_dump()
        if not change(changed, program.stage):
            continue
        for other in programs(Preset.model_validate(changed), entries, devices.mesh):
            if other.stage == program.stage:
                if _compile(other, devices).fits:
                    return f"fits with {words}"
                break
    return "fits with none of " + ", ".join(_CHANGES) + ": take more devices or a smaller memory"


_FIELDS = {"in-batch": "inbatch", "global": "global_", "fine-tune": "finetune", "multi-hop": "multihop"}


def _remat(preset: dict[str, Any], stage: str) -> bool:
    if stage not in _FIELDS or preset["training"][_FIELDS[stage]]["model"]["t5"]["remat"]:
        return False
    preset["training"][_FIELDS[stage]]["model"]["t5"]["remat"] = True
    return True


def _narrow_keys(preset: dict[str, Any], stage: str) -> bool:
    if stage not in ("global", "fine-tune", "multi-hop") or preset["training"]["index"]["dtype"] == "bfloat16":
        return False
    preset["training"]["index"]["dtype"] = "bfloat16"
    return True


def _accumulate(preset: dict[str, Any], stage: str) -> bool:
    if stage not in ("global", "fine-tune", "multi-hop"):
        return False
    preset["training"][_FIELDS[stage]]["training"]["accumulate"] *= 2
    return True


def _fewer_rows(preset: dict[str, Any], stage: str) -> bool:
    if stage == "encode memory":
        preset["training"]["index"]["batch_size"] //= 4
    elif stage == "generate questions":
        preset["corpus"]["questions"]["shape"]["rows"] //= 4
    else:
        return False
    return True


_CHANGES: dict[str, Change] = {
    "model.t5.remat true": _remat,
    "index.dtype bfloat16": _narrow_keys,
    "training.accumulate doubled": _accumulate,
    "a quarter of the rows a batch": _fewer_rows,
}
