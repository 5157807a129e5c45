"""Every stage of a preset compiled for devices that need not be there: does it fit, and how long will it take."""

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

import jax

from qamat_core.planning.chips import GIB, Devices
from qamat_core.planning.costs import Costs, costs_of
from qamat_core.planning.programs import STAGES, check_mesh, programs
from qamat_core.planning.remedies import OVER_MEMORY, remedies
from qamat_core.planning.shapes import Program
from qamat_core.progress import report
from schemas.errors import ConfigError
from schemas.preset_models import Preset

_QUICKLY: Final = {"exec_time_optimization_effort": -1.0}
"""The compiler looks for the fastest form of each operation less long: a third of the time, the same bytes."""


@dataclass(frozen=True)
class Planned:
    """A stage and its costs; ``remedy`` says what to change where it does not fit."""

    costs: Costs
    fits: bool
    margin: int
    """Bytes of a device's memory that are left; nothing is known of them where ``costs.total`` is 0."""
    compiled_in: float
    """Seconds that the compiler took."""
    remedy: str = ""


def plan(preset: Preset, entries: int, devices: Devices) -> Iterator[Planned]:
    """Plan every stage of a preset over a memory of so many entries; yields each when its program is compiled.

    Listeners of ``qamat_core.progress`` hear what is compiled next.

    Raises:
        ConfigError: the mesh divides a parameter or a batch unevenly; said before anything is compiled.
    """
    check_mesh(preset, devices.mesh)
    for number, program in enumerate(programs(preset, entries, devices.mesh)):
        report(f"compiling {program.stage}", number, len(STAGES))
        planned = _compile(program, devices)
        yield planned if planned.fits else replace(planned, remedy=_remedy(preset, entries, devices, program.stage))


def _compile(program: Program, devices: Devices) -> Planned:
    with jax.set_mesh(devices.mesh):
        began = time.monotonic()
        compiled, needed = _compiled(program)
        seconds = time.monotonic() - began
        costs = costs_of(program, compiled, devices.mesh, devices.chip)
    if compiled is None:
        costs = replace(costs, total=needed)
    margin = devices.chip.memory - costs.total
    return Planned(costs, fits=compiled is not None and margin >= 0, margin=margin, compiled_in=seconds)


def _compiled(program: Program) -> tuple[Any | None, int]:
    """Return the compiled program, or none and the bytes that the compiler says it needs."""
    try:
        return program.function.lower(*program.arguments).compile(compiler_options=_QUICKLY), 0
    except jax.errors.JaxRuntimeError as error:
        if "RESOURCE_EXHAUSTED" not in str(error):
            raise
        return None, wanted(str(error))


def wanted(refusal: str) -> int:
    """Return the bytes that the compiler says a program needs; 0 where it does not say."""
    found = re.search(r"(?:[Uu]sed |needs |required for [\w ]+\()([\d.]+)([GMK])", refusal)
    return int(float(found[1]) * GIB / {"G": 1, "M": 1 << 10, "K": 1 << 20}[found[2]]) if found else 0


def _remedy(preset: Preset, entries: int, devices: Devices, stage: str) -> str:
    """Return the first change, of those that a stage can have, with which it fits."""
    tried: list[str] = []
    for words, changed, arranged in remedies(preset, devices, stage):
        report(f"compiling {stage} with {words}", STAGES.index(stage), len(STAGES))
        try:
            check_mesh(changed, arranged.mesh)
            program = next(one for one in programs(changed, entries, arranged.mesh) if one.stage == stage)
            if _compile(program, arranged).fits:
                return f"it fits with {words}"
        except ConfigError:  # such as micro-batches of fewer rows than there are devices
            continue
        tried.append(words)
    without = f"it does not with {', nor with '.join(tried)}: " if tried else ""
    return f"{without}take more devices{' or a smaller memory' if stage in OVER_MEMORY else ''}"
