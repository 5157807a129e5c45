"""`qamat plan`: does a preset fit the devices, and how long will it take, before anything is launched."""

import os
import sys
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli.devices import mesh_of
from flows.cli.options import AsJson, Preset
from flows.cli.output import print_json, print_table

if TYPE_CHECKING:
    from qamat_core.planning.plan import Planned

_KINDS = {
    "parameters": "parameters",
    "optimizer": "optimizer",
    "keys": "memory keys",
    "values": "memory values",
    "tokens": "value tokens",
}
_BYTES = ("stage", *_KINDS, "activations", "total", "margin")
_TIMES = ("stage", "FLOP", "collectives", "arithmetic", "bandwidth", "links", "step", "steps", "time")
_UNITS = (("days", 86400.0), ("h", 3600.0), ("min", 60.0), ("s", 1.0), ("ms", 1e-3), ("µs", 1e-6))


def plan(
    preset: Preset = "base",
    memory_size: Annotated[int, typer.Option(min=1, help="Entries of the memory.")] = 60_000_000,
    topology: Annotated[str, typer.Option(help="cpu, gpu, or a TPU such as v3:4x4, v5e:4x8, v6e:4x8.")] = "v3:4x4",
    mesh: Annotated[
        str | None,
        typer.Option(
            metavar="DxM",
            help="Divide batches into D parts, wide layers into M (default: as many parts as the batches allow).",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Compile every stage for devices that need not be there, print what it needs of each; exit 1 if one does not fit.

    Bytes, operations and times are a device's own, a step's; TPU topologies need the extra tpu (make setup-tpu).
    """
    os.environ.setdefault("JAX_PLATFORMS", "cpu" if topology != "gpu" else "cuda,cpu")
    from qamat_core.planning.chips import devices_of
    from qamat_core.planning.plan import plan as plan_of
    from qamat_core.planning.programs import batches_of
    from qamat_core.progress import listening
    from schemas.presets import preset as preset_of
    from schemas.training import MeshShape

    numbers = preset_of(preset)
    shape = MeshShape.model_validate(mesh_of(mesh)) if mesh else None
    devices = devices_of(topology, shape, batches_of(numbers).values())
    stages: list[Planned] = []
    with listening(_tell):
        for one in plan_of(numbers, memory_size, devices):
            print(f"      compiled in {_time(one.compiled_in)}", file=sys.stderr)
            stages.append(one)
    if as_json:
        shown = [{**asdict(one), "days": one.costs.days, "seconds": one.costs.seconds} for one in stages]
        named = {"preset": preset, "memory_size": memory_size, "topology": topology, "mesh": devices.shape}
        print_json({**named, "stages": shown})
    else:
        print(f"{preset}, a memory of {memory_size:,} entries, {topology}")
        print(f"mesh {devices.shape}, devices of {_size(devices.chip.memory)}\n\nmemory of a device")
        print_table(_BYTES, [_bytes(one) for one in stages])
        print("\na step on a device")
        print_table(_TIMES, [_times(one) for one in stages])
        print()
    lost = [one for one in stages if not one.fits]
    for one in lost:
        lack = f": it lacks {_size(-one.margin)}" if one.margin < 0 else ""
        print(f"{one.costs.stage} does not fit{lack}; {one.remedy}", file=sys.stderr)
    if lost:
        raise typer.Exit(1)
    if not as_json:
        print(f"all stages fit; together {_time(sum(one.costs.days for one in stages) * 86400)}")


def _tell(stage: str, done: int, total: int, metrics: Mapping[str, float]) -> None:
    del metrics
    print(f"[{done + 1}/{total}] {stage}", file=sys.stderr)


def _bytes(one: "Planned") -> list[str]:
    costs = one.costs
    kinds = [_size(costs.kinds.get(kind, 0)) for kind in _KINDS.values()]
    if not one.fits and one.margin >= 0:  # the compiler refused it and did not say how much it needs
        return [costs.stage, *kinds, "?", "?", "none"]
    activations = _size(costs.activations) if costs.activations or one.fits else "?"
    return [costs.stage, *kinds, activations, _size(costs.total), _size(one.margin)]


def _times(one: "Planned") -> list[str]:
    costs = one.costs
    floors = (costs.arithmetic, costs.bandwidth, costs.links, costs.seconds)
    return [
        costs.stage,
        _count(costs.flops),
        _size(costs.collectives),
        *map(_time, floors),
        f"{costs.runs:,}",
        _time(costs.days * 86400),
    ]


def _size(size: float) -> str:
    """Return bytes in a unit that people read; nothing of a kind is a dash."""
    if abs(size) < 1:
        return "-"
    for unit, width in (("GiB", 2**30), ("MiB", 2**20)):
        if abs(size) >= width / 8:
            return f"{size / width:.2f} {unit}" if abs(size) < 100 * width else f"{size / width:.0f} {unit}"
    return f"{size / 2**10:.1f} KiB" if abs(size) >= 1024 else f"{size:.0f} B"


def _count(operations: float) -> str:
    """Return a number of operations with the prefix that people read."""
    for prefix, width in (("T", 1e12), ("G", 1e9)):
        if operations >= width / 10:
            return f"{operations / width:.3g} {prefix}"
    return f"{operations / 1e6:.3g} M"


def _time(seconds: float) -> str:
    """Return a time in a unit that people read; what takes none is a dash."""
    for unit, width in _UNITS:
        if seconds >= width:
            count = seconds / width
            return f"{count:.3g} {unit}" if count < 999.5 else f"{count:,.0f} {unit}"
    return "<1 µs" if seconds else "-"
