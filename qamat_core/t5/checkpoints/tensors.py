"""Tensors that are read when they are asked for: a checkpoint is never in memory twice."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open

from schemas.errors import InputError

Readers = Mapping[str, Callable[[], np.ndarray]]


class Tensors(Mapping[str, np.ndarray]):
    """Arrays by name, each computed anew whenever it is asked for; what asks holds the only copy."""

    def __init__(self, readers: Readers) -> None:
        self.readers = readers

    def __getitem__(self, name: str) -> np.ndarray:
        """Read one."""
        return self.readers[name]()

    def __iter__(self) -> Iterator[str]:
        """Go through the names; nothing is read."""
        return iter(self.readers)

    def __len__(self) -> int:
        """Count them."""
        return len(self.readers)


def open_safetensors(files: Iterable[Path]) -> Tensors:
    """Open safetensors files as float32 tensors.

    Raises:
        InputError: here or when a tensor is asked for: a file is damaged.
    """
    readers: dict[str, Callable[[], np.ndarray]] = {}
    for path in files:
        try:
            # Read into arrays, not mapped: pages of the file would count as memory of this process.
            file: Any = safe_open(path, framework="numpy", backend="pread")
            readers |= {name: partial(_read, path, file, name) for name in file.keys()}  # noqa: SIM118  (no mapping)
        except (OSError, SafetensorError) as error:
            raise InputError(f"{path}: {error}; copy the checkpoint again") from error
    return Tensors(readers)


def _read(path: Path, file: Any, name: str) -> np.ndarray:
    try:
        return np.asarray(file.get_tensor(name), np.float32)
    except (OSError, SafetensorError) as error:
        raise InputError(f"{path}: {error}; copy the checkpoint again") from error
