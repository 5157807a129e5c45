"""Parameters -> a checkpoint directory as T5X's ``checkpoints.py`` writes it, version 3.

Every parameter is a zarr array ``target.<path with dots>``, gzipped in chunks of 64 MiB at most; the msgpack file has
its tensorstore specification with a path from the directory, so the directory may be moved. There is no optimizer
state: T5X restores it for inference as it is, for training with ``fallback_to_scratch``.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tensorstore
from flax.serialization import msgpack_serialize
from flax.traverse_util import unflatten_dict

from qamat_core.t5.checkpoints.t5x import FILE
from qamat_core.tokenizer import Tokenizer

VERSION = 3
CHUNK_BYTES = 64 * 2**20


def write(directory: Path, weights: Mapping[str, np.ndarray], tokenizer: Tokenizer) -> None:
    """Write a checkpoint, and the tokenizer's files beside it, at which T5X does not look.

    Args:
        directory: is there and empty.
        weights: float32 parameters by their T5X paths, asked for one at a time: one of them is in memory.
        tokenizer: theirs.
    """
    target = {path: _write_array(directory, path, weights[path]) for path in sorted(weights)}
    train_state = {"target": unflatten_dict(target, sep="/"), "state": {"step": np.int32(0)}}
    (directory / FILE).write_bytes(msgpack_serialize({"version": VERSION, "optimizer": train_state}))
    tokenizer.save(directory)


def _write_array(directory: Path, path: str, value: np.ndarray) -> dict[str, Any]:
    """Write one array and return its specification."""
    name = f"target/{path}".replace("/", ".")
    rows = max(1, CHUNK_BYTES // (value.nbytes // len(value)))
    metadata = {
        "shape": list(value.shape),
        "chunks": [min(rows, len(value)), *value.shape[1:]],
        "compressor": {"id": "gzip"},
    }
    spec = {"driver": "zarr", "dtype": "float32", "metadata": metadata}
    place = {"driver": "file", "path": str(directory / name)}
    tensorstore.open({**spec, "kvstore": place}, create=True).result().write(value).result()
    return {**spec, "kvstore": {"driver": "file", "path": name}}
