"""Keys in eight bits: each row is divided by its own scale, so that its greatest element becomes 127 or -127."""

from pathlib import Path
from typing import Final

import numpy as np
from jaxtyping import Float, Int8

from qamat_core.indexes.device import DeviceIndex, place_keys

_ROWS: Final = 1 << 14
_FILES: Final = ("int8.npy", "scales.npy")


def quantise(keys: np.ndarray) -> tuple[Int8[np.ndarray, "M D"], Float[np.ndarray, " M"]]:
    """Return keys in eight bits and the float32 that each row is multiplied by."""
    keys = keys.astype(np.float32)
    scales = np.abs(keys).max(axis=1, initial=0) / np.float32(127)
    return np.rint(keys / np.where(scales, scales, 1)[:, None]).astype(np.int8), scales.astype(np.float32)


def write_quantised(keys: np.ndarray, directory: Path) -> None:
    """Write keys in eight bits and their scales into a directory, some rows at a time."""
    directory.mkdir(parents=True, exist_ok=True)
    shapes = (np.int8, keys.shape), (np.float32, keys.shape[:1])
    files = [
        np.lib.format.open_memmap(directory / name, "w+", dtype, shape)
        for name, (dtype, shape) in zip(_FILES, shapes, strict=True)
    ]
    for start in range(0, len(keys), _ROWS):
        for file, part in zip(files, quantise(keys[start : start + _ROWS]), strict=True):
            file[start : start + _ROWS] = part
    for file in files:
        file.flush()


def open_quantised(directory: Path) -> DeviceIndex:
    """Return exact search over keys in eight bits, which stay in their files."""
    keys, scales = (np.load(directory / name, "r", allow_pickle=False) for name in _FILES)
    return place_keys(keys, scales)


def dequantised(keys: Int8[np.ndarray, "M D"], scales: Float[np.ndarray, " M"]) -> Float[np.ndarray, "M D"]:
    """Return what eight bits stand for."""
    return keys.astype(np.float32) * scales[:, None]
