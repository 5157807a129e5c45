"""What a compiled program costs on each device: bytes by kind, operations, traffic, floors of its time."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, Final

import jax
from jax.sharding import Mesh

from qamat_core.planning.chips import Chip
from qamat_core.planning.shapes import Program

UTILISATION: Final = 0.4
"""Share of the peak that matrix products are assumed to reach: a guess, for large batches on TPUs."""
_COLLECTIVE: Final = re.compile(
    r"= (.*?) (?:all-reduce|all-gather|reduce-scatter|all-to-all|collective-permute)(?:-start)?\("
)
_ARRAY: Final = re.compile(r"\b(pred|[suf]\d+|bf16)\[([\d,]*)\]")
_WIDTHS: Final = {"pred": 1, "bf16": 2}


_NOTHING: Final = SimpleNamespace(
    argument_size_in_bytes=0,
    output_size_in_bytes=0,
    alias_size_in_bytes=0,
    temp_size_in_bytes=0,
    generated_code_size_in_bytes=0,
)


@dataclass(frozen=True)
class Costs:
    """A program on one device of a mesh; bytes and operations are a device's own."""

    stage: str
    runs: int
    kinds: Mapping[str, int]
    """Bytes of the arguments by kind."""
    activations: int
    """Bytes that live while the program runs."""
    total: int
    """Bytes at the peak: arguments, activations, results and code."""
    flops: float
    collectives: int
    """Bytes that collective operations give, in one turn of each loop."""
    arithmetic: float
    """Seconds at the peak of matrix products."""
    bandwidth: float
    """Seconds that it takes to read all arguments and write all results once."""
    links: float
    """Seconds that the collectives take on the links at their peak."""

    @property
    def seconds(self) -> float:
        """The estimated time of a run: the largest floor, with products at ``UTILISATION``."""
        return max(self.arithmetic / UTILISATION, self.bandwidth, self.links)

    @property
    def days(self) -> float:
        """The estimated time of all runs."""
        return self.seconds * self.runs / 86400


def costs_of(program: Program, compiled: Any | None, mesh: Mesh, chip: Chip) -> Costs:
    """Return the costs of a compiled program; of one that does not compile those that its arguments tell."""
    memory = compiled.memory_analysis() if compiled else _NOTHING
    moved = collective_bytes(compiled.as_text()) if compiled else 0
    flops = program.operations() / mesh.size
    read_and_written = memory.argument_size_in_bytes + memory.output_size_in_bytes
    return Costs(
        stage=program.stage,
        runs=program.runs,
        kinds={kind: bytes_of(part) for kind, part in program.kinds.items()},
        activations=memory.temp_size_in_bytes,
        total=read_and_written
        - memory.alias_size_in_bytes
        + memory.temp_size_in_bytes
        + memory.generated_code_size_in_bytes,
        flops=flops,
        collectives=moved,
        arithmetic=flops / chip.flops,
        bandwidth=read_and_written / chip.bandwidth,
        links=moved / chip.links,
    )


def bytes_of(part: Any) -> int:
    """Return the bytes that one device holds of a tree of arrays."""
    return sum(map(bytes_on_a_device, jax.tree.leaves(part)))


def bytes_on_a_device(leaf: Any) -> int:
    """Return the bytes that one device holds of an array."""
    return math.prod(leaf.sharding.shard_shape(leaf.shape)) * leaf.dtype.itemsize if leaf.shape else 4


def collective_bytes(program: str) -> int:
    """Return the bytes of the results of all collective operations in the text of a program."""
    total = 0
    for result in _COLLECTIVE.findall(program):
        for kind, extent in _ARRAY.findall(result):
            width = _WIDTHS.get(kind) or int(re.sub(r"\D", "", kind)) // 8
            total += width * math.prod(int(size) for size in extent.split(",") if size)
    return total
