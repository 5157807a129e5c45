"""Tests on several devices run in a process of their own, for the number of a process's devices is fixed."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]


def start(devices: int, module: str, *arguments: str) -> subprocess.Popen[str]:
    """Start ``python -m module`` with so many virtual CPU devices."""
    environment = {
        **os.environ,
        "XLA_FLAGS": f"--xla_force_host_platform_device_count={devices}",
        "JAX_DISABLE_MOST_OPTIMIZATIONS": "true",  # compiles quickly rather than well
        "JAX_PLATFORMS": "cpu",
        "PYTHONPATH": str(ROOT),
    }
    command = [sys.executable, "-m", module, *arguments]
    return subprocess.Popen(
        command, env=environment, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )


def on_devices(devices: int, module: str, *arguments: str) -> str:
    """Run ``python -m module`` with so many virtual CPU devices and return what it printed; it must end well."""
    process = start(devices, module, *arguments)
    printed, _ = process.communicate(timeout=300)
    assert process.returncode == 0, printed
    return printed
