"""The options of commands that run on a mesh of devices, of one process or of several."""

import re
from typing import Annotated

import typer

Mesh = Annotated[
    str | None,
    typer.Option(metavar="DxM", help="Divide batches into D parts, wide layers into M (default: all devices by 1)."),
]
Together = Annotated[
    str | None,
    typer.Option(
        metavar="HOST:PORT,INDEX,COUNT",
        help="Run with COUNT processes, each started so with its own INDEX; HOST:PORT is where number 0 listens.",
    ),
]


def mesh_of(written: str) -> dict[str, int]:
    """Read ``--mesh DxM`` as the fields of a ``MeshShape``."""
    if not (parts := re.fullmatch(r"([1-9]\d*)x([1-9]\d*)", written)):
        raise typer.BadParameter(f"--mesh {written}: write DxM, such as 4x2")
    return {"data": int(parts[1]), "model": int(parts[2])}


def devices(mesh: str | None, together: str | None = None) -> dict[str, object]:
    """Return what an order says of devices: ``mesh`` and ``processes``, where they are given."""
    found: dict[str, object] = {}
    if mesh is not None:
        found["mesh"] = mesh_of(mesh)
    if together is not None:
        if not (parts := re.fullmatch(r"(.+),(\d+),(\d+)", together)):
            raise typer.BadParameter(f"--together {together}: write HOST:PORT,INDEX,COUNT, such as localhost:9876,0,2")
        found["processes"] = {"coordinator": parts[1], "index": int(parts[2]), "count": int(parts[3])}
    return found
