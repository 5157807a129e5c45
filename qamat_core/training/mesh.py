"""The mesh of devices that a stage runs on, and how arrays get there.

A stage runs inside ``use_mesh``; what it calls finds the mesh by ``current_mesh``. On one device all of this is a
mesh of one by one. With several processes (``jax.distributed``) each holds the whole batch on its host and puts its
own devices' part of it there, so the order of examples does not depend on their number.
"""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import jax
import numpy as np
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec

from qamat_core.training.partitioning import AXES, DATA
from schemas.errors import ConfigError
from schemas.training import MeshShape


def make_mesh(shape: MeshShape) -> Mesh:
    """Return a mesh over all devices of all processes, or over as many as the shape asks for.

    Raises:
        ConfigError: there are fewer devices.
    """
    devices = jax.devices()
    data = shape.data or max(len(devices) // shape.model, 1)
    if data * shape.model > len(devices):
        raise ConfigError(
            f"a mesh of {data} x {shape.model} wants {data * shape.model} devices, there are {len(devices)}: "
            "choose a smaller one"
        )
    chosen = devices[: data * shape.model]
    return jax.make_mesh((data, shape.model), AXES, axis_types=(AxisType.Auto,) * 2, devices=chosen)


@contextmanager
def use_mesh(shape: MeshShape) -> Generator[Mesh]:
    """Let what is called inside run on a mesh of this shape."""
    mesh = make_mesh(shape)
    with jax.set_mesh(mesh):
        yield mesh


def current_mesh() -> Mesh:
    """Return the mesh of ``use_mesh``; outside of it, one device."""
    mesh = jax.sharding.get_mesh()
    return mesh if mesh.axis_names == AXES else make_mesh(MeshShape(data=1))


def place(array: Any, sharding: NamedSharding) -> jax.Array:
    """Put a host array, the same in every process, on the devices of a sharding; each reads only its own part."""
    if jax.process_count() == 1:
        return jax.device_put(array, sharding)
    return jax.make_array_from_callback(np.shape(array), sharding, lambda index: array[index])


def place_batch(batch: Any, mesh: Mesh) -> Any:
    """Put a batch on the mesh: rows of arrays are divided over ``data``, scalars are everywhere.

    What is on devices already stays as it is.

    Raises:
        ConfigError: ``data`` does not divide the rows.
    """
    rows, everywhere = NamedSharding(mesh, PartitionSpec(DATA)), NamedSharding(mesh, PartitionSpec())

    def put(array: Any) -> jax.Array:
        if isinstance(array, jax.Array):
            return array
        if not np.ndim(array):
            return place(np.asarray(array), everywhere)
        check_rows(array.shape[0], mesh)
        return place(array, rows)

    return jax.tree.map(put, batch)


def check_rows(rows: int, mesh: Mesh) -> None:
    """Refuse a batch of so many rows that the mesh divides unevenly.

    Raises:
        ConfigError: it does.
    """
    if rows % mesh.shape[DATA]:
        raise ConfigError(
            f"the mesh's data axis of {mesh.shape[DATA]} does not divide the batch's {rows} rows: "
            "change batch_size or the mesh"
        )


def gather(tree: Any, mesh: Mesh) -> Any:
    """Return divided arrays whole, on the host of every process."""
    if mesh.size > 1:
        whole = jax.tree.map(lambda _: NamedSharding(mesh, PartitionSpec()), tree)
        tree = jax.jit(lambda parts: parts, out_shardings=whole)(tree)
    return jax.tree.map(lambda array: np.asarray(array.addressable_data(0)), tree)
