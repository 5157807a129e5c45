"""Which axis of a parameter stands for what, and over which axis of the mesh it is divided.

Two steps, as in T5X: names of parameters -> logical axes, logical axes -> mesh axes. The mesh has an axis ``data``,
over which batches are divided, and an axis ``model``, over which wide layers are; the memory is divided over both.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import jax
from flax.traverse_util import flatten_dict, unflatten_dict
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from schemas.errors import ConfigError

DATA, MODEL = "data", "model"
AXES: Final = (DATA, MODEL)

LOGICAL_AXES: Final = (
    (r"token_embedder/embedding", ("vocab", "embed")),
    (r".*/(query|key|value)/kernel", ("embed", "heads")),
    (r".*/out/kernel", ("heads", "embed")),
    (r".*/mlp/wi(_\d)?/kernel", ("embed", "mlp")),
    (r".*/mlp/wo/kernel", ("mlp", "embed")),
    (r".*/logits_dense/kernel", ("embed", "vocab")),
    (r".*/rel_embedding", ("heads", "buckets")),
)
"""Parameter path (whole) -> what its axes stand for; a parameter that none fits is on every device."""

MESH_AXES: Final[Mapping[str, str | None]] = MappingProxyType(
    {"vocab": MODEL, "heads": MODEL, "mlp": MODEL, "embed": None, "buckets": None}
)
"""What an axis stands for -> the axis of the mesh that divides it (T5X's one-dimensional partitioning)."""


class Divided(NamedTuple):
    """One parameter: its path, its shape, what its axes stand for."""

    path: str
    shape: tuple[int, ...]
    axes: tuple[str, ...]

    @property
    def spec(self) -> PartitionSpec:
        """Over which axis of the mesh each of its axes is divided."""
        return PartitionSpec(*(MESH_AXES[axis] for axis in self.axes))


def partition_specs(params: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a tree of the same form with the ``PartitionSpec`` of every parameter."""
    return unflatten_dict({one.path: one.spec for one in _parameters(params)}, sep="/")


def check_divisible(params: Mapping[str, Any], heads: int, mesh: Mesh) -> None:
    """Refuse a mesh that divides an axis of a parameter, or the attention heads, unevenly.

    Raises:
        ConfigError: names the parameter, its shape, and the axis of the mesh.
    """
    parts = mesh.shape[MODEL]
    check_heads(heads, parts)
    for one in _parameters(params):
        for size, axis in zip(one.shape, one.axes, strict=False):
            if MESH_AXES[axis] == MODEL and size % parts:
                raise ConfigError(
                    f"the mesh's model axis of {parts} does not divide {one.path} {list(one.shape)} (its {axis} axis): "
                    "choose a divisor"
                )


def check_heads(heads: int, parts: int) -> None:
    """Refuse so many parts of wide layers if they divide the attention heads unevenly.

    Raises:
        ConfigError: they do.
    """
    if heads % parts:
        raise ConfigError(
            f"the mesh's model axis of {parts} does not divide the {heads} attention heads: choose a divisor"
        )


def state_shardings(state: Any, params: Mapping[str, Any], mesh: Mesh) -> Any:
    """Return the sharding of every leaf of a training state: parameters, and what an optimiser keeps beside each.

    A leaf with the shape of the parameter whose path ends its own is divided as the parameter is; the others (counts,
    Adafactor's rows and columns) are on every device.
    """
    parameters = _parameters(params)
    specs = {one.path: one.spec for one in parameters}
    shapes = {one.path: one.shape for one in parameters}

    def sharding(path: tuple[Any, ...], leaf: Any) -> NamedSharding:
        names = [str(getattr(key, "key", getattr(key, "name", getattr(key, "idx", "")))) for key in path]
        for start in range(len(names)):
            name = "/".join(names[start:])
            if shapes.get(name) == leaf.shape:
                return NamedSharding(mesh, specs[name])
        return NamedSharding(mesh, PartitionSpec())

    return jax.tree_util.tree_map_with_path(sharding, state)


def _parameters(params: Mapping[str, Any]) -> list[Divided]:
    flat: dict[str, Any] = flatten_dict(dict(params), sep="/")
    return [Divided(path, leaf.shape, _axes(path)) for path, leaf in flat.items()]


def _axes(path: str) -> tuple[str, ...]:
    return next((axes for pattern, axes in LOGICAL_AXES if re.fullmatch(pattern, path)), ())
