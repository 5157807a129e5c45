"""Operations of matrix products, counted in a traced function: XLA's own count takes a loop for one turn."""

import math
from typing import Any

import jax
from jax.extend.core import ClosedJaxpr, Jaxpr


def count_flops(function: Any, *arguments: Any, turns: int = 1) -> float:
    """Return the operations of all matrix products, two for each multiply and add, over all devices together.

    ``turns`` is how often the body of a loop runs that has no fixed end.
    """
    return _count(jax.make_jaxpr(function)(*arguments).jaxpr, turns)


def _count(jaxpr: Jaxpr, turns: int) -> float:
    total = 0.0
    for equation in jaxpr.eqns:
        if equation.primitive.name == "dot_general":
            total += _product(equation)
            continue
        parts = [_count(part, turns) for part in _parts(equation.params)]
        inner = max(parts, default=0.0) if equation.primitive.name == "cond" else sum(parts)
        if equation.primitive.name == "scan":
            inner *= equation.params["length"]
        elif equation.primitive.name == "while":
            inner *= turns
        elif equation.primitive.name == "shard_map":
            inner *= equation.params["mesh"].size
        total += inner
    return total


def _product(equation: Any) -> float:
    (left, _), _ = equation.params["dimension_numbers"]
    shape = equation.invars[0].aval.shape
    return 2.0 * math.prod(equation.outvars[0].aval.shape) * math.prod(shape[axis] for axis in left)


def _parts(params: dict[str, Any]) -> list[Jaxpr]:
    """Return the functions inside an equation; of a conditional all branches, of which one runs."""
    found: list[Jaxpr] = []
    for value in params.values():
        for one in value if isinstance(value, tuple | list) else (value,):
            if isinstance(one, ClosedJaxpr):
                found.append(one.jaxpr)
            elif isinstance(one, Jaxpr):
                found.append(one)
    return found
