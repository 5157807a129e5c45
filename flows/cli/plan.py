"""`qamat plan`: does a preset fit the devices, and how long will it take, before anything is launched."""

import os
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli.options import AsJson, Preset
from flows.cli.output import print_json, print_table

if TYPE_CHECKING:
    from qamat_core.planning.plan import Planned

_COLUMNS = (
    "stage",
    "parameters",
    "optimizer",
    "keys",
    "values",
    "value tokens",
    "activations",
    "total",
    "margin",
    "TFLOP",
    "collectives",
    "arithmetic",
    "bandwidth",
    "links",
    "step",
    "days",
)


def plan(
    preset: Preset = "base",
    memory_size: Annotated[int, typer.Option(min=1, help="Entries of the memory.")] = 60_000_000,
    topology: Annotated[str, typer.Option(help="cpu, gpu, or a TPU such as v3:4x4, v5e:4x8, v6e:4x8.")] = "v3:4x4",
    model_parts: Annotated[int, typer.Option(min=1, help="Parts that wide layers are divided into.")] = 1,
    as_json: AsJson = False,
) -> None:
    """Compile every stage for devices that need not be there, print what it needs of each; exit 1 if one does not fit.

    Bytes, TFLOP and times are a device's own, a step's; TPU topologies need the extra tpu (make setup-tpu).
    """
    os.environ.setdefault("JAX_PLATFORMS", "cpu" if topology != "gpu" else "cuda,cpu")
    from qamat_core.planning.chips import devices_of
    from qamat_core.planning.plan import plan as plan_of
    from schemas.presets import preset as preset_of
    from schemas.training import MeshShape

    devices = devices_of(topology, MeshShape(model=model_parts))
    stages: list[Planned] = []
    for one in plan_of(preset_of(preset), memory_size, devices):
        print(f"{one.costs.stage}: compiled in {one.compiled_in:.0f} s", file=sys.stderr)
        stages.append(one)
    if as_json:
        shown = [{**asdict(one), "days": one.costs.days, "seconds": one.costs.seconds} for one in stages]
        print_json({"preset": preset, "memory_size": memory_size, "topology": topology, "stages": shown})
    else:
        print(
            f"{preset}, a memory of {memory_size:,} entries, {topology}: {devices.mesh.size} devices of "
            f"{devices.chip.memory / 2**30:.0f} GiB"
        )
        print_table(_COLUMNS, [_cells(one) for one in stages])
    lost = [one for one in stages if not one.fits]
    for one in lost:
        lack = f": it lacks {_gib(-one.margin)}" if one.margin < 0 else ""
        print(f"{one.costs.stage} does not fit{lack}; {one.remedy}")
    if lost:
        raise typer.Exit(1)


def _cells(one: "Planned") -> list[str]:
    costs = one.costs
    kinds = ("parameters", "optimizer", "memory keys", "memory values", "value tokens")
    return [
        costs.stage,
        *(_gib(costs.kinds.get(kind, 0)) for kind in kinds),
        _gib(costs.activations),
        _gib(costs.total),
        _gib(one.margin) if one.fits else "does not fit",
        f"{costs.flops / 1e12:.3g}",
        _gib(costs.collectives),
        *(f"{1000 * floor:.3g} ms" for floor in (costs.arithmetic, costs.bandwidth, costs.links, costs.seconds)),
        f"{costs.days:.2g}",
    ]


def _gib(size: float) -> str:
    return f"{size / 2**30:.2f} GiB" if abs(size) >= 2**27 else f"{size / 2**20:.1f} MiB"
