"""Compiled programs that are kept: a process that decodes a few rows neither traces nor compiles.

JAX's own cache keeps what XLA compiled, but tracing and lowering a decoder take as long as decoding a thousand rows of
a small model. So the whole program lies beside that cache (``JAX_COMPILATION_CACHE_DIR``; where it is not set, nothing
is kept), under a key of all that decides it: the code, the libraries, the processor, the settings of JAX and XLA, the
shapes. A file that does not have its SHA-256 is made anew. A program is kept only if, loaded again, it gives the same
bits: what comes out of JAX's own cache cannot be written again, so a program that is to be kept is compiled under a
name that is new to that cache.
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
import numpy as np
from jax.experimental import serialize_executable

from qamat_core.processor import processor
from qamat_core.store.fingerprint import code_digest, digest_json

Program = Callable[..., Any]
_DIGEST = 64
"""A file begins with the hexadecimal SHA-256 of the rest."""
_SETTINGS = ("JAX_", "XLA_")
_ELSEWHERE = "JAX_COMPILATION_CACHE_DIR"
"""Where the cache lies changes no program."""


def compiled(function: partial[Any], arguments: tuple[Any, ...], module: str, what: str) -> Program:
    """Return ``function`` compiled for arguments of these shapes: the kept program, or a new one that is kept.

    Args:
        function: what is compiled.
        arguments: arrays or their shapes.
        module: where ``function`` comes from; the sources that it imports are part of the key.
        what: names everything that is bound in ``function``.
    """
    directory = jax.config.jax_compilation_cache_dir  # pyright: ignore[reportAttributeAccessIssue]
    if directory is None:
        return _compile(function, arguments, function.func.__name__)
    shapes = str(jax.tree.map(lambda array: (array.shape, str(array.dtype)), arguments))
    key = digest_json([what, shapes, code_digest(module), version("jaxlib"), _machine(), _settings()])
    file = Path(str(directory)) / "programs" / key
    if (known := _read(file, arguments)) is not None:
        return known
    made = _compile(function, arguments, f"program_{uuid4().hex}")
    _keep(made, arguments, file)
    return made


def _compile(function: Program, arguments: tuple[Any, ...], name: str) -> Any:
    def named(*given: Any) -> Any:
        return function(*given)

    named.__name__ = name
    return jax.jit(named).lower(*arguments).compile()


def _read(file: Path, arguments: tuple[Any, ...]) -> Program | None:
    try:
        stored = file.read_bytes()
    except OSError:
        return None
    digest, program = stored[:_DIGEST], stored[_DIGEST:]
    if hashlib.sha256(program).hexdigest().encode() != digest:
        return None
    return _load(program, arguments)


def _load(program: bytes, arguments: tuple[Any, ...]) -> Program:
    given = jax.tree.structure((arguments, {}))
    return serialize_executable.deserialize_and_load(program, given, jax.tree.structure((0, 0, 0)))


def _keep(made: Any, arguments: tuple[Any, ...], file: Path) -> None:
    """Write a program atomically, if it can be written and read."""
    try:
        program, _, _ = serialize_executable.serialize(made)
        if not _agree(made, _load(program, arguments), arguments):
            return
    except (ValueError, NotImplementedError, jax.errors.JaxRuntimeError):  # such as a kind of device that cannot
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_name(f".{uuid4().hex}.tmp")
    temporary.write_bytes(hashlib.sha256(program).hexdigest().encode() + program)
    temporary.replace(file)


def _agree(first: Program, second: Program, arguments: tuple[Any, ...]) -> bool:
    """Compare what two programs give, to the bit, for ones in the place of arguments that are shapes alone."""
    given = [np.ones(one.shape, one.dtype) if isinstance(one, jax.ShapeDtypeStruct) else one for one in arguments]
    pairs = zip(first(*given), second(*given), strict=True)
    return all(np.asarray(ours).tobytes() == np.asarray(theirs).tobytes() for ours, theirs in pairs)


def _settings() -> list[tuple[str, str]]:
    return sorted(item for item in os.environ.items() if item[0].startswith(_SETTINGS) and item[0] != _ELSEWHERE)


def _machine() -> list[str]:
    devices = jax.devices()
    return [processor(), devices[0].platform, devices[0].device_kind, str(len(devices))]
