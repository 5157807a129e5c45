"""What a device can do, by the makers' published figures, and the devices of a topology that need not be there."""

import os
from collections.abc import Collection, Mapping
from importlib.util import find_spec
from math import gcd
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import jax
import numpy as np
from jax.experimental import topologies
from jax.sharding import AxisType, Mesh

from qamat_core.training.partitioning import AXES
from schemas.errors import ConfigError
from schemas.training import MeshShape

GIB: Final = 1 << 30


class Chip(NamedTuple):
    """One device as JAX counts them (a v3 chip is two): memory in bytes, FLOP/s in bfloat16, bytes/s."""

    memory: int
    flops: float
    bandwidth: float
    """Of its own memory."""
    links: float
    """To all its neighbours together."""


CHIPS: Final[Mapping[str, Chip]] = MappingProxyType(
    {
        "v3": Chip(16 * GIB, 61.5e12, 450e9, 41e9),
        "v4": Chip(32 * GIB, 275e12, 1228e9, 300e9),
        "v5e": Chip(16 * GIB, 197e12, 819e9, 200e9),
        "v5p": Chip(95 * GIB, 459e12, 2765e9, 600e9),
        "v6e": Chip(32 * GIB, 918e12, 1640e9, 448e9),
        "gpu": Chip(80 * GIB, 989e12, 3350e9, 450e9),
        "cpu": Chip(24 * GIB, 0.1e12, 40e9, 10e9),
    }
)
"""TPU: cloud.google.com/tpu/docs, system architecture, a page a version; of v3 half a chip's figures.
``gpu`` is an H100 SXM (its data sheet, dense). ``cpu`` is a guess at two cores, for trials of this command alone."""


_LIBTPU: Final = {
    "TPU_SKIP_MDS_QUERY": "1",  # it would ask the cloud's metadata server which TPU this is
    "ALLOW_MULTIPLE_LIBTPU_LOAD": "1",  # it compiles alone, and takes no TPU from another process
    "TPU_STDERR_LOG_LEVEL": "3",
    "TPU_MIN_LOG_LEVEL": "3",
    "TPU_ACCELERATOR_TYPE": "v3-8",
    "TPU_WORKER_HOSTNAMES": "localhost",
}


class Devices(NamedTuple):
    """The devices that are planned for."""

    mesh: Mesh
    chip: Chip

    @property
    def shape(self) -> str:
        """The mesh, as ``--mesh`` takes it."""
        return "x".join(map(str, self.mesh.devices.shape))

    def halved(self) -> "Devices | None":
        """Return them with half as many parts of a batch and twice as many of wide layers; None for an odd number."""
        data, model = self.mesh.devices.shape
        return None if data % 2 else self._replace(mesh=_mesh(self.mesh.devices, data // 2, 2 * model))


def devices_of(topology: str, shape: MeshShape | None, batches: Collection[int]) -> Devices:
    """Return the devices of a topology: ``cpu`` or ``gpu`` for those of this machine, else ``VERSION:AxB[xC]``.

    Args:
        topology: what is planned for.
        shape: how the devices stand; None for as many parts of a batch as divide all ``batches``, wide layers into
            the rest.
        batches: rows of batches.

    Raises:
        ConfigError: there is no such topology, libtpu is not installed, or the mesh does not fill it.
    """
    version, _, extent = topology.partition(":")
    if version not in CHIPS or bool(extent) == (version in ("cpu", "gpu")):
        raise ConfigError(
            f"topology {topology!r}: give cpu, gpu or one such as v3:4x4, v4:2x2x4, v5e:4x8, v5p:2x4x4, v6e:4x8"
        )
    found = _described(topology) if extent else np.array(_local(version))
    shape = shape or MeshShape(model=found.size // gcd(found.size, *batches))
    data = shape.data or found.size // shape.model
    if data * shape.model != found.size:
        raise ConfigError(
            f"a mesh of {data} x {shape.model} does not fill {topology}, which has {found.size} device(s)"
        )
    return Devices(_mesh(found, data, shape.model), CHIPS[version])


def _mesh(devices: np.ndarray, data: int, model: int) -> Mesh:
    return Mesh(devices.reshape(data, model), AXES, axis_types=(AxisType.Auto,) * 2)


def _local(platform: str) -> list[Any]:
    try:
        return jax.devices(platform)
    except RuntimeError as error:
        raise ConfigError(f"topology {platform}: this machine has none; plan for one that libtpu describes") from error


def _described(topology: str) -> np.ndarray:
    if find_spec("libtpu") is None:
        raise ConfigError("libtpu is not installed: make setup-tpu (or pip install 'qamat[tpu]')")
    for name, value in _LIBTPU.items():
        os.environ.setdefault(name, value)
    try:
        return np.array(topologies.get_topology_desc(platform="tpu", topology_name=topology).devices)
    except Exception as error:  # jax raises errors of several kinds, XLA's among them
        raise ConfigError(f"topology {topology!r}: {str(error).partition(chr(10))[0]}") from error
