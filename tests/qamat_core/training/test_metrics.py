"""The curve: every loss is looked at, points are kept and told, event files can be read by TensorBoard."""

import struct
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest
from tensorboardX.proto.event_pb2 import Event

from qamat_core.training.metrics import Curve, NotLearningError, Point, tensorboard
from schemas.training import TrainingConfig

CONFIG = TrainingConfig(steps=10, batch_size=1, log_every=4, divergence=3)


def _run(losses: list[float], points: list[Point] | None = None, first: int = 1) -> list[Point]:
    with Curve("line", CONFIG, points or []) as curve:
        for number, loss in enumerate(losses):
            curve.add(first + number, {"loss": jnp.float32(loss), "recall": jnp.float32(0.5)})
        curve.settle()
        return curve.points


def test_points_are_kept_exactly():
    points = _run([0.1 * step for step in range(1, 11)])
    assert [point["step"] for point in points] == [4, 8, 10]
    assert [point["loss"] for point in points] == [float(np.float32(0.1 * step)) for step in (4, 8, 10)]


@pytest.mark.parametrize(("value", "text"), [(np.nan, "nan"), (np.inf, "inf"), (-np.inf, "-inf")])
def test_a_loss_that_is_not_finite_names_its_step(value: float, text: str):
    with pytest.raises(NotLearningError, match=f"the loss is {text} at step 3$"):
        _run([1.0, 1.0, value, 1.0])


def test_a_loss_far_above_the_lowest_diverges():
    calm = [5.0, 1.0, 1.0, 0.5]
    _run([*calm, 4.4])
    with pytest.raises(NotLearningError, match=r"the loss is 4.6 at step 5, it was 0.5: it diverges"):
        _run([*calm, 4.6])
    with pytest.raises(NotLearningError, match=r"at step 9, it was 0.5"):  # the curve of the run before counts
        _run([4.6], points=[{"step": 4, "loss": 0.5}, {"step": 8, "loss": 0.7}], first=9)


def _events(folder: Path) -> list[Event]:
    """Read event files: records of length, checksum, data, checksum."""
    events: list[Event] = []
    for path in sorted(folder.glob("*tfevents*")):
        data = path.read_bytes()
        while data:
            (length,) = struct.unpack("<Q", data[:8])
            events.append(Event.FromString(data[12 : 12 + length]))
            data = data[16 + length :]
    return events


def test_event_files_hold_the_points_and_a_resumed_run_takes_back_what_came_after(tmp_path: Path):
    with tensorboard(tmp_path, "name", "k" * 64):
        before = _run([1.0] * 8)
        _run([2.0] * 6, points=before[:1], first=5)
    folder = tmp_path / "tensorboard" / "name" / "kkkkkkkk" / "line"
    events = _events(folder)
    values = [(event.step, value.tag, value.simple_value) for event in events for value in event.summary.value]
    losses = [(step, value) for step, tag, value in values if tag == "loss"]
    assert losses == [(4, 1.0), (8, 1.0), (8, 2.0), (10, 2.0)]
    assert {tag for _, tag, _ in values} == {"loss", "recall"}
    starts = [event.step for event in events if event.HasField("session_log")]
    assert starts[-1] == 5


def test_nothing_is_written_outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    _run([1.0] * 10)
    assert list(tmp_path.iterdir()) == []
