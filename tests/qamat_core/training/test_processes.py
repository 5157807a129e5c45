"""What two processes began, one ends as if it had been alone, to rounding: batches do not depend on their number."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np

from tests.qamat_core.training.one_of_many import ALL_STEPS, main

ROOT = Path(__file__).parents[3]


def _train_with_two(directory: Path, steps: int) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    module = [sys.executable, "-m", "tests.qamat_core.training.one_of_many", str(directory), str(port)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "JAX_PLATFORMS": "cpu"}
    both = [subprocess.Popen([*module, str(index), "2", str(steps)], cwd=ROOT, env=environment) for index in range(2)]
    try:
        assert [process.wait(timeout=240) for process in both] == [0, 0]
    finally:
        for process in both:
            process.kill()


def test_two_processes_train_as_one(tmp_path: Path):
    _train_with_two(tmp_path / "two", ALL_STEPS)
    alone = main(tmp_path / "alone", ALL_STEPS)
    for index in range(2):
        np.testing.assert_allclose(np.load(tmp_path / "two" / f"process-{index}.npy"), alone.params["w"], rtol=1e-5)


def test_one_process_goes_on_where_two_were(tmp_path: Path):
    _train_with_two(tmp_path / "changed", 10)
    assert (tmp_path / "changed" / "resume" / "8.sha256").exists()
    changed, alone = (main(tmp_path / name, ALL_STEPS) for name in ("changed", "alone"))
    np.testing.assert_allclose(changed.params["w"], alone.params["w"], rtol=1e-5)
    losses = [[point["loss"] for point in trained.history] for trained in (changed, alone)]
    np.testing.assert_allclose(*losses, rtol=1e-4)
