"""Exported programs that are kept: a process that decodes a few rows does not trace them.

Tracing and lowering a decoder take as long as decoding a thousand rows of a small model. So what they give, the
StableHLO that ``jax.export`` writes (no pickle), lies beside JAX's own cache of what XLA compiled
(``JAX_COMPILATION_CACHE_DIR``; where it is not set, nothing is kept), under a key of all that decides it: the code, the
libraries, the processor, the settings of JAX and XLA, the shapes. A file that does not have its SHA-256 is made anew.
"""

import hashlib
import os
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any
from uuid import uuid4

import jax
from jax import export

from qamat_core.processor import processor
from qamat_core.store.fingerprint import code_digest, digest_json

Program = Callable[..., Any]
_DIGEST = 64
"""A file begins with the hexadecimal SHA-256 of the rest."""
_SETTINGS = ("JAX_", "XLA_")
_ELSEWHERE = "JAX_COMPILATION_CACHE_DIR"
"""Where the cache lies changes no program."""


def compiled(function: partial[Any], arguments: tuple[Any, ...], module: str, what: str) -> Program:
    """Return ``function`` compiled for arguments of these shapes, from its kept export or a new one that is kept.

    Args:
        function: what is compiled.
        arguments: arrays or their shapes.
        module: where ``function`` comes from; the sources that it imports are part of the key.
        what: names everything that is bound in ``function``.
    """
    directory = jax.config.jax_compilation_cache_dir  # pyright: ignore[reportAttributeAccessIssue]
    if directory is None:
        return _compile(_export(function, arguments), arguments)
    shapes = str(jax.tree.map(lambda array: (array.shape, str(array.dtype)), arguments))
    key = digest_json([what, shapes, code_digest(module), version("jax"), version("jaxlib"), _machine(), _settings()])
    file = Path(str(directory)) / "programs" / key
    if (known := _read(file)) is None:
        known = _export(function, arguments)
        _keep(known, file)
    return _compile(known, arguments)


def _export(function: partial[Any], arguments: tuple[Any, ...]) -> bytes:
    return bytes(export.export(jax.jit(function))(*arguments).serialize())


def _compile(program: bytes, arguments: tuple[Any, ...]) -> Program:
    """Compile a program as it is kept: a new one and one that was found are the same to the bit."""
    return jax.jit(export.deserialize(bytearray(program)).call).lower(*arguments).compile()


def _read(file: Path) -> bytes | None:
    try:
        stored = file.read_bytes()
    except OSError:
        return None
    digest, program = stored[:_DIGEST], stored[_DIGEST:]
    return program if hashlib.sha256(program).hexdigest().encode() == digest else None


def _keep(program: bytes, file: Path) -> None:
    """Write a program atomically."""
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_name(f".{uuid4().hex}.tmp")
    temporary.write_bytes(hashlib.sha256(program).hexdigest().encode() + program)
    temporary.replace(file)


def _settings() -> list[tuple[str, str]]:
    return sorted(item for item in os.environ.items() if item[0].startswith(_SETTINGS) and item[0] != _ELSEWHERE)


def _machine() -> list[str]:
    devices = jax.devices()
    return [processor(), devices[0].platform, devices[0].device_kind, str(len(devices))]
