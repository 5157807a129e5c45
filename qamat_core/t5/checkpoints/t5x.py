"""A T5X checkpoint: the directory ``checkpoint_<step>`` -> weights.

T5X writes a msgpack file ``checkpoint`` (flax) of a tree ``{"version", "optimizer": {"target", "state"}}``. A leaf is
an array, or the specification of a zarr array that tensorstore wrote beside the file as ``target.<path with dots>``.
Optimizer states are not read. No file tells the shape of the model: everything is inferred from the arrays, except
what they do not show (``ASSUMED``).
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import tensorstore
from flax.serialization import msgpack_restore
from flax.traverse_util import flatten_dict

from qamat_core.t5.checkpoints.weights import Weights
from qamat_core.t5.conversion import checked_tree
from schemas.errors import InputError
from schemas.model import T5Config

FILE = "checkpoint"
ASSUMED = "relative_max_distance 128; GELU in gated feed-forward blocks"

_LAYER = re.compile(r"(encoder|decoder)/layers_(\d+)/")


def read(directory: Path) -> Weights:
    """Read the parameters of a T5 1.0 or 1.1.

    Raises:
        InputError: a file is missing or damaged, or the arrays are not those of a T5 with unrolled layers.
    """
    leaves = _target(directory)
    arrays = {path: _array(directory, path, leaf) for path, leaf in leaves.items()}
    try:
        model = infer_config({path: array.shape for path, array in arrays.items()})
        params = checked_tree({tuple(path.split("/")): array for path, array in arrays.items()}, model)
    except InputError as error:
        raise InputError(f"{directory}: {error}") from error
    inferred = ", ".join(f"{name} {value}" for name, value in model.model_dump(exclude_defaults=True).items())
    return Weights(model, params, {"format": "t5x", "inferred": inferred, "assumed": ASSUMED})


def files(directory: Path) -> list[Path]:
    """Return the files that ``read`` reads: the msgpack file, and every file of the parameters' arrays, in order."""
    leaves = _target(directory).items()
    places = [array_directory(directory, path, leaf) for path, leaf in leaves if isinstance(leaf, dict)]
    return [directory / FILE, *sorted(file for place in places for file in place.rglob("*") if file.is_file())]


def infer_config(shapes: Mapping[str, tuple[int, ...]]) -> T5Config:
    """Return the configuration that arrays of these shapes have; paths as ``encoder/layers_0/mlp/wo/kernel``.

    Raises:
        InputError: an array that is needed for it is missing, or layers are stacked (T5X's ``scan_layers``).
    """
    layers = {(match[1], int(match[2])) for path in shapes if (match := _LAYER.match(path))}
    if not layers and any(path.startswith("encoder/") and len(shape) > 2 for path, shape in shapes.items()):
        raise InputError("its layers are scanned (stacked into one array): save it with scan_layers = False")
    try:
        vocab_size, d_model = shapes["token_embedder/embedding"]
        heads, buckets = shapes["encoder/relpos_bias/rel_embedding"]
        width = shapes["encoder/layers_0/attention/query/kernel"][1]
        return T5Config(
            variant="1.0" if "encoder/layers_0/mlp/wi/kernel" in shapes else "1.1",
            vocab_size=vocab_size,
            d_model=d_model,
            num_heads=heads,
            head_dim=width // heads,
            d_ff=shapes["encoder/layers_0/mlp/wo/kernel"][0],
            num_encoder_layers=sum(stack == "encoder" for stack, _ in layers),
            num_decoder_layers=sum(stack == "decoder" for stack, _ in layers),
            tie_embeddings="decoder/logits_dense/kernel" not in shapes,
            relative_buckets=buckets,
        )
    except KeyError as error:
        raise InputError(f"no array {error}: give a checkpoint of T5X's own T5") from error
    except ValueError as error:
        raise InputError(f"its arrays are not those of a T5: {' '.join(str(error).split())}") from error


def _target(directory: Path) -> dict[str, Any]:
    """Return the leaves of the parameters by path: arrays, and dictionaries where tensorstore has the array."""
    file = directory / FILE
    try:
        contents = msgpack_restore(file.read_bytes())
        flat = flatten_dict(contents, sep="/", is_leaf=lambda _, value: "driver" in value or "kvstore" in value)
    except Exception as error:  # msgpack and flax raise whatever the bytes lead to
        raise InputError(f"{file}: not a T5X checkpoint ({type(error).__name__}); copy it again") from error
    named = {path.removeprefix("optimizer/"): leaf for path, leaf in flat.items()}
    target = {path.removeprefix("target/"): leaf for path, leaf in named.items() if path.startswith("target/")}
    if not target:
        raise InputError(f"{file}: no parameters under 'target': give a T5X checkpoint")
    return target


def _array(directory: Path, path: str, leaf: object) -> np.ndarray:
    if isinstance(leaf, np.ndarray):
        return leaf.astype(np.float32)
    if not isinstance(leaf, dict):
        raise InputError(f"{directory}: {path!r} is {leaf!r:.60}, neither an array nor a tensorstore specification")
    place = array_directory(directory, path, leaf)
    # A chunk that is not there would else be read as zeros.
    spec = {"driver": "zarr", "kvstore": {"driver": "file", "path": str(place)}, "fill_missing_data_reads": False}
    try:
        values = tensorstore.open(spec, open=True, read=True).result().read().result()
    except ValueError as error:
        raise InputError(f"{place}: {str(error).splitlines()[0]:.200}; copy the checkpoint again") from error
    if values.dtype == np.uint16:  # T5X before version 3 wrote the bits of bfloat16
        values = values.view(ml_dtypes.bfloat16)
    return values.astype(np.float32)


def array_directory(directory: Path, path: str, spec: Mapping[str, Any]) -> Path:
    """Return where the zarr array of a specification lies: it names its path from the checkpoint's directory."""
    named = spec.get("path") or spec.get("kvstore", {}).get("path", "")
    place = directory / named
    if not named or not place.resolve().is_relative_to(directory.resolve()):
        raise InputError(f"{directory}: {path!r} lies at {named!r}, outside of the checkpoint")
    if not (place / ".zarray").is_file():
        raise InputError(f"{directory}: {path!r} has no array at {named!r}; copy the whole checkpoint")
    return place
