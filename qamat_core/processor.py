"""The kind of processor: what was compiled for one may crash on another."""

import hashlib
import platform
from functools import cache
from pathlib import Path


@cache
def processor() -> str:
    """Return a name for this kind of processor."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = [platform.processor()]
    kind = {line for line in lines if line.startswith(("model name", "flags", "Features", "CPU part"))} or set(lines)
    return hashlib.sha256("\n".join(sorted(kind)).encode()).hexdigest()[:16]
