"""A run that was killed ends as an unbroken one, bit for bit; what is damaged is said and not used."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from qamat_core import progress
from qamat_core.training.resume import Resumed, ResumePoints
from schemas.errors import CorruptArtifactError
from tests.qamat_core.training.killed import STEPS

ROOT = Path(__file__).parents[3]
FRESH = {"params": {"w": jnp.zeros(4)}, "count": jnp.int32(0)}


def _state(step: int) -> dict[str, Any]:
    return {"params": {"w": jnp.arange(4.0) + step}, "count": jnp.int32(step)}


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """A directory in which steps 10, 20 and 30 were saved."""
    with ResumePoints(tmp_path) as points:
        for step in (10, 20, 30):
            points.save(step, _state(step), [{"step": step, "loss": 1 / step}], {"next_index": step})
    return tmp_path


def _restore(directory: Path) -> tuple[Resumed | None, list[str]]:
    said: list[str] = []
    with progress.listening(lambda *_: None, said.append), ResumePoints(directory) as points:
        return points.restore(FRESH), said


def _flip(directory: Path, step: int) -> Path:
    """Flip one bit of the largest file of a checkpoint."""
    path = max((directory / "steps" / str(step)).rglob("*"), key=lambda path: path.stat().st_size * path.is_file())
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 16
    path.write_bytes(data)
    return path


def _assert_is(resumed: Resumed | None, step: int) -> None:
    assert resumed is not None
    assert resumed.step == step
    jax.tree.map(np.testing.assert_array_equal, resumed.state, _state(step))
    assert resumed.points == [{"step": step, "loss": 1 / step}]
    assert resumed.loader == {"next_index": step}


def test_the_newest_checkpoint_comes_back_and_two_are_kept(saved: Path):
    resumed, said = _restore(saved)
    _assert_is(resumed, 30)
    assert said == []
    assert sorted(path.name for path in (saved / "steps").iterdir()) == ["20", "30"]
    assert sorted(path.name for path in saved.glob("*.sha256")) == ["20.sha256", "30.sha256"]


def test_the_digests_read_as_those_of_sha256sum(saved: Path):
    lines = (saved / "30.sha256").read_text().splitlines()
    assert lines
    for line in lines:
        digest, path = line.split("  ", 1)
        assert hashlib.sha256((saved / path).read_bytes()).hexdigest() == digest


def test_nothing_was_saved(tmp_path: Path):
    assert _restore(tmp_path) == (None, [])


@pytest.mark.parametrize("fault", ["flipped", "missing", "digests"])
def test_a_damaged_newest_checkpoint_gives_way_to_the_one_before(saved: Path, fault: str):
    if fault == "digests":
        name = "30.sha256"
        (saved / name).write_text("nonsense")
    else:
        path = _flip(saved, 30)
        name = path.relative_to(saved).as_posix()
        if fault == "missing":
            path.unlink()
    resumed, said = _restore(saved)
    _assert_is(resumed, 20)
    (line,) = said
    assert line.startswith(f"checkpoint {saved / 'steps' / '30'} is damaged and is not used: ")
    assert fault == "digests" or name in line
    with ResumePoints(saved) as points:  # the damaged one is gone and its step can be saved again
        points.save(30, _state(30), [{"step": 30, "loss": 1 / 30}], {"next_index": 30})
    _assert_is(_restore(saved)[0], 30)


def test_a_checkpoint_without_digests_was_not_finished(saved: Path):
    (saved / "30.sha256").unlink()
    resumed, said = _restore(saved)
    _assert_is(resumed, 20)
    assert said == []


def test_no_whole_checkpoint_is_an_error_that_keeps_the_files(saved: Path):
    for step in (20, 30):
        _flip(saved, step)
    for _ in range(2):
        with pytest.raises(CorruptArtifactError, match=f"{saved}: none of its 2 checkpoints is whole; check the disk"):
            _restore(saved)


def _process(directory: Path, pause: float) -> "subprocess.Popen[str]":
    """Train in a process of its own, which compiles quickly."""
    command = [sys.executable, "-m", "tests.qamat_core.training.killed", str(directory), str(STEPS), str(pause)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "JAX_DISABLE_MOST_OPTIMIZATIONS": "1"}
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)


def _to_its_end(directory: Path) -> dict[str, Any]:
    with _process(directory, 0) as process:
        printed, _ = process.communicate()
    return json.loads(printed.splitlines()[-1])


@pytest.fixture
def killed(tmp_path: Path) -> Path:
    """The directory of a training that was killed with ``kill -9`` some time after half of its steps."""
    with _process(tmp_path, 0.02) as process:
        try:
            while not (tmp_path / "resume" / f"{STEPS // 2}.sha256").exists():
                assert process.poll() is None, "it ended before it could be killed"
                time.sleep(0.01)
        finally:
            process.send_signal(signal.SIGKILL)
    return tmp_path


def test_kill_minus_nine_changes_no_bit_of_losses_and_parameters(
    killed: Path, tmp_path_factory: pytest.TempPathFactory
):
    resumed, whole = _to_its_end(killed), _to_its_end(tmp_path_factory.mktemp("whole"))
    assert STEPS // 2 <= resumed.pop("first") < STEPS
    assert whole.pop("first") == 0
    assert [point["step"] for point in whole["history"]] == list(range(1, STEPS + 1))
    assert resumed == whole
    assert whole["history"][-1]["loss"] < whole["history"][0]["loss"]
