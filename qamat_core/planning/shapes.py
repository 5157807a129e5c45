"""What a stage's program is, and its arguments: shapes and places without contents."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from qamat_core.t5.network import T5
from qamat_core.training.partitioning import DATA, state_shardings
from schemas.model import T5Config


@dataclass(frozen=True)
class Program:
    """One stage: what is compiled, and how often it runs."""

    stage: str
    function: Any
    """Jitted."""
    arguments: tuple[Any, ...]
    runs: int
    """Steps of a training stage; batches of encoding and decoding."""
    kinds: Mapping[str, Any]
    """Its arguments by what they are: parameters, optimizer, memory keys, memory values, value tokens, batch."""
    operations: Callable[[], float]
    """Counts the operations of its matrix products on all devices together."""


def params_of(t5: T5Config) -> Any:
    """Return the shapes of a T5's parameters."""
    return _params_of(t5.model_dump_json())


@cache
def _params_of(described: str) -> Any:
    model, tokens = T5(T5Config.model_validate_json(described)), jax.ShapeDtypeStruct((1, 2), jnp.int32)
    params: Any = jax.eval_shape(lambda *given: model.init(jax.random.key(0), *given), tokens, tokens)["params"]
    return params


def placed_params(t5: T5Config, mesh: Mesh) -> Any:
    """Return a T5's parameters as training divides them."""
    params = params_of(t5)
    return placed(params, state_shardings(params, params, mesh))


def placed(tree: Any, shardings: Any) -> Any:
    """Put every leaf where its sharding says."""
    return jax.tree.map(
        lambda leaf, sharding: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=sharding), tree, shardings
    )


def everywhere(tree: Any, mesh: Mesh) -> Any:
    """Put every leaf whole on every device."""
    whole = NamedSharding(mesh, PartitionSpec())
    return jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=whole), tree)


def rows_of(shape: tuple[int, ...], mesh: Mesh, axes: str | tuple[str, ...] = DATA, *, floats: bool = False) -> Any:
    """Return an array whose rows are divided over axes of the mesh."""
    dtype = jnp.float32 if floats else jnp.int32
    return jax.ShapeDtypeStruct(shape, dtype, sharding=NamedSharding(mesh, PartitionSpec(axes)))
